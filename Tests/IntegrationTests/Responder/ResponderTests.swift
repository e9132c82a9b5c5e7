internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// The built responder, with requests that a web server sends, and requests that no web server
/// sends.
@Suite(.noHang)
struct ResponderTests {
  // MARK: Answers

  @Test func storedDeliveryIsAnsweredOnceItsFileIsThere() async throws {
    try await withResponder { responder in
      let response = try responder.deliver(
        authorization: try nowAuthorization(), hook: "export-complete")
      #expect(response.status == 202)
      #expect(response["Content-Type"] == "application/json")
      #expect(response["Content-Length"] == "\(response.body.count)")
      let name = try #require(responder.storedEvents.first)
      let line = try fileBytes("\(responder.folder.path)/spool/\(name)")
      let event = try #require(try JSONValue(parsing: line).object)
      #expect(line.last == 0x0A && line.count { $0 == 0x0A } == 1)
      #expect(event["specversion"] == .string("1.0"))
      #expect(event["type"] == .string("com.delvesecurity.export.done"))
      #expect(event["source"] == .string("https://acme.delvesecurity.app#acme"))
      #expect(event["hook"] == .string("export-complete"))
      #expect(event["remoteaddr"] == .string("192.0.2.7"))
      #expect(response.text.contains(strings(event["id"])[0]))
      #expect(mode(of: "\(responder.folder.path)/spool/\(name)") == 0o640)
      #expect(mode(of: "\(responder.folder.path)/spool/acme/new") == 0o750)
    }
  }

  @Test func problemSaysStatusAndCodeWordAndNothingElse() async throws {
    try await withResponder { responder in
      let response = try responder.deliver(authorization: nil)
      #expect(response.status == 401)
      #expect(response["WWW-Authenticate"] == "Signed")
      #expect(response["Content-Type"] == "application/problem+json")
      #expect(
        response.text == #"{"type":"about:blank","title":"Unauthorized","status":401,"#
          + #""code":"missing-authorization"}"# + "\n")
      #expect(try await responder.logs("code=missing-authorization status=401 instance=acme"))
      #expect(try await responder.logs("CGIPassAuth"))
    }
  }

  @Test func otherMethodsAreToldWhichOneIsAllowed() async throws {
    try await withResponder { responder in
      for (method, hook, allowed) in [
        ("GET", nil, "POST"), ("FOO", nil, "POST"), ("POST", "health", "GET, HEAD"),
      ] {
        var parameters = deliveryParameters(authorization: nil, hook: hook)
        parameters[0].1 = Array(method.utf8)
        let response = try FastCGIClient(socket: responder.socket).request(parameters)
        #expect(response.status == 405)
        #expect(response["Allow"] == allowed)
      }
    }
  }

  @Test func healthIsAnsweredWithoutALineInTheLog() async throws {
    try await withResponder { responder in
      #expect(try await responder.logs("started "))
      let before = responder.log
      #expect(responder.healthStatus() == 200)
      #expect(responder.log == before)
      let head: [(String, [UInt8])] = [
        ("REQUEST_METHOD", Array("HEAD".utf8)), ("DELVE_HOOK", Array("health".utf8)),
      ]
      let response = try FastCGIClient(socket: responder.socket).request(head)
      #expect(response.status == 200 && response.body.isEmpty)
      #expect(response["Content-Length"] == "19")
    }
  }

  @Test func parameterOfTheWebServerThatIsWrongIsMisconfigured() async throws {
    try await withResponder { responder in
      let good = deliveryParameters(authorization: try nowAuthorization())
      let wrong: [[(String, [UInt8])]] = [
        Array(good.dropFirst()),  // no REQUEST_METHOD
        good + [("DELVE_INSTANCE", Array("other".utf8))],
        good + [("DELVE_INSTANCE", [])],
        good + [("DELVE_INSTANCE", Array("acme".utf8)), ("DELVE_INSTANCE", Array("acme".utf8))],
        good + [("DELVE_HOOK", Array("Health".utf8))],
        good + [("DELVE_HOOK", [])],
      ]
      for parameters in wrong {
        let response = try FastCGIClient(socket: responder.socket)
          .request(parameters, body: Array("{}".utf8))
        #expect(response.status == 500)
        #expect(response.text.contains(#""code":"misconfigured""#))
      }
      #expect(responder.storedEvents == [])
      #expect(try await responder.logs("parameter=DELVE_INSTANCE problem=\"sent twice\""))
    }
  }

  @Test func headerOfTheSenderNeverChoosesAnInstanceOrAHook() async throws {
    try await withResponder { responder in
      let parameters =
        deliveryParameters(authorization: try nowAuthorization())
        + [
          ("HTTP_DELVE_INSTANCE", Array("other".utf8)), ("HTTP_DELVE_HOOK", Array("health".utf8)),
          ("HTTP_CONTENT_LENGTH", Array("7".utf8)),
        ]
      let response = try FastCGIClient(socket: responder.socket)
        .request(parameters, body: Array("{}".utf8))
      #expect(response.status == 202)
    }
  }

  @Test func secondXSignatureOrAuthorizationIsRefused() async throws {
    try await withResponder { responder in
      let good = deliveryParameters(authorization: try nowAuthorization())
      for (name, codeWord) in [
        ("HTTP_X_SIGNATURE", "malformed-x-signature"),
        ("HTTP_AUTHORIZATION", "malformed-authorization"),
      ] {
        let response = try FastCGIClient(socket: responder.socket)
          .request(good + [(name, Array("x".utf8))], body: Array("{}".utf8))
        #expect(response.status == 400)
        #expect(response.text.contains(codeWord))
      }
    }
  }

  // MARK: Bodies

  @Test(arguments: [
    ("2", 2, 202), ("", 2, 202), ("2", 5, 202), ("3", 2, 400), ("x", 2, 400), ("-1", 2, 202),
    ("0x2", 2, 400), ("65537", 65_537, 413), ("99999999999999999999", 2, 413), ("", 65_537, 413),
    ("65536", 65_536, 202), ("0", 0, 202),
  ])
  func bodyIsHeldToItsLengthAndTheLimit(length: String, sent: Int, status: Int) async throws {
    try await withResponder { responder in
      var parameters = deliveryParameters(authorization: try nowAuthorization())
      parameters[3].1 = Array(length.utf8)
      let response = try FastCGIClient(socket: responder.socket)
        .request(parameters, body: [UInt8](repeating: 0x20, count: sent))
      #expect(response.status == status)
    }
  }

  // MARK: Connections

  @Test func keptConnectionServesRequestsOneAfterTheOther() async throws {
    try await withResponder { responder in
      let client = try FastCGIClient(socket: responder.socket)
      for id in ["1", "2", "3"] {
        let response = try client.request(
          deliveryParameters(authorization: try nowAuthorization(id: id)),
          body: Array("{}".utf8), keepConnection: true)
        #expect(response.status == 202)
      }
      // Bytes after the declared length of a body must not be taken for the next request.
      let refused = try client.request(
        deliveryParameters(authorization: nil), body: [UInt8](repeating: 0x20, count: 60_000),
        keepConnection: true)
      #expect(refused.status == 401)
      let next = try client.request(
        deliveryParameters(authorization: try nowAuthorization(id: "4")), body: Array("{}".utf8))
      #expect(next.status == 202)
      #expect(try await client.isClosedByPeer())
    }
  }

  @Test func sameTokenFromManyConnectionsIsStoredOnce() async throws {
    try await withResponder { responder in
      let token = try nowAuthorization()
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<32 {
          group.addTask { try responder.deliver(authorization: token).status }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(statuses.count { $0 == 202 } == 1)
      #expect(statuses.count { $0 == 200 } == 31)
      #expect(responder.storedEvents.count == 1)
    }
  }

  // MARK: The process

  @Test func terminationAnswersWhatWasAcceptedAndRemovesTheSocket() async throws {
    // On a busy machine, the responder's eight seconds may be over before the request is whole: then
    // again.
    let isAnswered = try await eventually {
      let start = ContinuousClock.now
      do {
        try await expectAnswerAfterTermination()
        return true
      } catch FastCGIClient.Failure.closed where ContinuousClock.now - start > .seconds(7) {
        return false
      }
    }
    #expect(
      isAnswered, "the responder's time to end was over before the request was whole, each time")
  }

  private func expectAnswerAfterTermination() async throws {
    let folder = try TemporaryFolder()
    let (status, exitCode) = try await withResponder(in: folder) { responder in
      let client = try FastCGIClient(socket: responder.socket)
      try client.begin()
      responder.process.send(signal: SIGTERM)
      #expect(try await eventually { responder.healthStatus() == nil })
      try client.send(
        .parameters,
        FastCGIClient.encoded(deliveryParameters(authorization: try nowAuthorization())))
      try client.send(.parameters, [])
      try client.send(.standardInput, Array("{}".utf8))
      try client.send(.standardInput, [])
      return try client.response().status
    }
    #expect(status == 202)
    #expect(exitCode == 0)
    #expect(folder.files(below: ".").contains("s") == false)
  }

  @Test func successorTakesThePlaceWhileTheOldOneStillAnswers() async throws {
    try await withResponder { responder in
      let client = try FastCGIClient(socket: responder.socket)
      try client.begin()
      responder.process.send(signal: SIGTERM)
      #expect(try await eventually { responder.healthStatus() == nil })
      try await withResponder(in: responder.folder) { #expect($0.healthStatus() == 200) }
    }
  }

  @Test func socketOfALivingResponderIsNotTakenAway() async throws {
    try await withResponder { responder in
      let second = try await command(
        Repository.executable("delve-webhook-fcgi"),
        [
          "--listen", "unix:\(responder.socket)", "--config",
          "\(responder.folder.path)/config.yaml",
        ])
      #expect(second.exitCode == 73)
      #expect(second.errorOutput.contains("another process listens there"))
      #expect(responder.healthStatus() == 200)
    }
  }

  @Test func folderOfTheSocketThatIsMissingIsNamedWithTheRemedy() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let result = try await command(
      Repository.executable("delve-webhook-fcgi"),
      ["--config", config, "--listen", "unix:\(folder.path)/nowhere/s"])
    #expect(result.exitCode == 73)
    #expect(result.errorOutput.contains("No such file or directory; make the folder first"))
  }

  @Test func staleSocketIsReplaced() async throws {
    let folder = try TemporaryFolder()
    let (_, exitCode) = try await withResponder(in: folder) { $0.process.send(signal: SIGKILL) }
    #expect(exitCode == -SIGKILL)
    try await withResponder(in: folder) { #expect($0.healthStatus() == 200) }
  }

  @Test(arguments: [
    ("--nonsense", Int32(64)), ("--listen tcp:1", 64), ("--listen", 64), ("", 64),
    ("--config /nonexistent.yaml --listen unix:/tmp/never", 78), ("--help", 0), ("--version", 0),
  ])
  func exitCodeSaysWhatIsWrong(arguments: String, expected: Int32) async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let result = try await command(
      Repository.executable("delve-webhook-fcgi"), arguments.split(separator: " ").map(String.init),
      environment: ["DELVE_WEBHOOK_CONFIG": config])
    #expect(result.exitCode == expected)
    #expect((expected == 0 ? result.output : result.errorOutput).isEmpty == false)
  }
}

func mode(of path: String) -> mode_t {
  var status = stat()
  stat(path, &status)
  return status.st_mode & 0o777
}
