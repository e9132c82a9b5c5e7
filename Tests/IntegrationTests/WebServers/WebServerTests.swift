internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// The same deliveries get the same answers, through every web server before the responder.
@Suite(.noHang)
struct WebServerTests {
  @Test(arguments: WebServerWay.allCases)
  func deliveryIsStoredOnceWithItsPathAndItsSender(way: WebServerWay) async throws {
    try await withWebServer(way) { server in
      let options = try server.signed() + ["-d", "{}"]
      let first = try await server.curl("exports/111-1221?x=1", options)
      #expect(first.head.hasPrefix("HTTP/1.1 202 Accepted"))
      #expect(first.body.contains(#""code":"stored""#))
      let second = try await server.curl("exports/111-1221?x=1", options)
      #expect(second.head.hasPrefix("HTTP/1.1 200 OK"))
      #expect(second.body.contains(#""code":"duplicate""#))
      #expect(server.storedEvents.count == 1)
      let name = try #require(server.storedEvents.first)
      let line = try fileBytes("\(server.folder.path)/spool/\(name)")
      let event = try #require(try JSONValue(parsing: line).object)
      #expect(event["requesturi"] == .string("/webhooks/delve/exports/111-1221?x=1"))
      #expect(event["remoteaddr"] == .string("127.0.0.1"))
      #expect(event["hook"] == .string("export-complete"))
    }
  }

  @Test(arguments: WebServerWay.allCases)
  func refusalPassesWithItsStatusItsFieldsAndItsCodeWord(way: WebServerWay) async throws {
    try await withWebServer(way) { server in
      let signed = try server.signed()
      let cases: [(String, [String], status: Int, codeWord: String, field: String)] = [
        (
          "export", try server.signed(by: .otherP521) + ["-d", "{}"], 401, "bad-signature",
          "WWW-Authenticate: Signed"
        ),
        ("export", ["-d", "{}"], 401, "missing-authorization", "WWW-Authenticate: Signed"),
        (
          "export", signed + ["-H", "X-Signature: none", "-d", "{}"], 400,
          "malformed-x-signature", "Content-Type: application/problem+json"
        ),
        ("export", [], 405, "method", "Allow: POST"),
        ("success", signed + ["-d", "{}"], 422, "wrong-hook", "Cache-Control: no-store"),
      ]
      for (path, options, status, codeWord, field) in cases {
        let answer = try await server.curl(path, options)
        #expect(answer.head.hasPrefix("HTTP/1.1 \(status) "), "\(codeWord): \(answer)")
        #expect(answer.head.contains("\r\n\(field)"), "\(codeWord): \(answer.head)")
        #expect(answer.body.contains(#""code":"\#(codeWord)""#), "\(codeWord): \(answer.body)")
      }
      #expect(server.storedEvents == [])
    }
  }

  @Test(arguments: WebServerWay.allCases)
  func bodyOverTheLimitIsAnsweredByTheResponder(way: WebServerWay) async throws {
    try await withWebServer(way) { server in
      let large = "\(server.folder.path)/large"
      try server.folder.write([UInt8](repeating: 0x20, count: 65_537), to: "large")
      for encoding in ["Content-Length: 65537", "Transfer-Encoding: chunked"] {
        let options = try server.signed() + ["--data-binary", "@\(large)", "-H", encoding]
        let answer = try await server.curl("export", options)
        #expect(answer.head.hasPrefix("HTTP/1.1 413"), "\(encoding): \(answer.head)")
        #expect(answer.body.contains("body-too-large"), "\(encoding): \(answer.body)")
      }
      #expect(server.storedEvents == [])
      // A chunked body at the limit is accepted.
      try server.folder.write([UInt8](repeating: 0x20, count: 65_536), to: "large")
      let options =
        try server.signed() + ["--data-binary", "@\(large)", "-H", "Transfer-Encoding: chunked"]
      #expect(try await server.curl("export", options).head.hasPrefix("HTTP/1.1 202"))
    }
  }

  @Test(arguments: WebServerWay.allCases)
  func refusalOfTheSpoolPassesAsItIs(way: WebServerWay) async throws {
    let full = exampleConfiguration().replacing(
      "minimum-free-bytes: 0", with: "minimum-free-bytes: \(Int.max)")
    try await withWebServer(way, configuration: full) { server in
      for (path, options) in [("export", try server.signed() + ["-d", "{}"]), ("health", [])] {
        let answer = try await server.curl(path, options)
        #expect(answer.head.hasPrefix("HTTP/1.1 503"))
        #expect(answer.head.contains("\r\nRetry-After: 30"))
        #expect(answer.body.contains(#""code":"spool-full""#))
      }
    }
  }

  @Test(arguments: WebServerWay.allCases)
  func senderChoosesNeitherInstanceNorHookNorOptions(way: WebServerWay) async throws {
    try await withWebServer(way) { server in
      let headers = [
        "-H", "Delve-Instance: other", "-H", "Delve-Hook: health", "-H", "Proxy: http://x",
      ]
      // Without an equals sign, a query string becomes a CGI program's command line.
      for (id, query) in [
        ("1", "--version"), ("2", "--config+/dev/null"), ("3", "--help"), ("4", ""),
      ] {
        let options = try server.signed(id: id) + headers + ["-d", "{}"]
        let answer = try await server.curl("export?\(query)", options)
        #expect(answer.head.hasPrefix("HTTP/1.1 202"), "\(query): \(answer)")
      }
      #expect(server.storedEvents.count == 4)
    }
  }

  @Test(arguments: WebServerWay.allCases)
  func healthCheckAnswersGetAndHeadAndNothingElseIsServed(way: WebServerWay) async throws {
    try await withWebServer(way) { server in
      let health = try await server.curl("health", [])
      #expect(health.head.hasPrefix("HTTP/1.1 200 OK"))
      #expect(health.body == #"{"code":"healthy"}"# + "\n")
      let head = try await server.curl("health", ["--head"])
      #expect(head.head.hasPrefix("HTTP/1.1 200 OK"))
      #expect(head.body == "")
      for path in ["other", "success/x", "healthy", ""] {
        let answer = try await server.curl(path, try server.signed() + ["-d", "{}"])
        let status = answer.head.dropFirst("HTTP/1.1 ".count).prefix(3)
        #expect(status == "403" || status == "404", "\(path): \(answer.head)")
      }
      #expect(server.storedEvents == [])
    }
  }

  @Test(arguments: [WebServerWay.nginx, .apacheProxy])
  func responderThatIsGoneIsAnsweredWithAnInvitationToComeAgain(way: WebServerWay) async throws {
    try await withWebServer(way) { server in
      _ = try await command("sh", ["-c", "rm \(server.folder.path)/s"])
      let answer = try await server.curl("export", try server.signed() + ["-d", "{}"])
      #expect(answer.head.hasPrefix("HTTP/1.1 503"))
      #expect(answer.head.contains("\r\nRetry-After: 30"))
      #expect(server.storedEvents == [])
    }
  }
}
