internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `send` and `delve-json`, through a real nginx.
@Suite(.noHang)
struct SendTests {
  private let key = "\(Repository.root)/Tests/Attacks/keys/private/p521.pem"

  private func delveWebhook(_ arguments: String...) async throws -> CommandResult {
    try await command(Repository.executable("delve-webhook"), arguments)
  }

  @Test func storedDeliveryCanBeSentAgain() async throws {
    try await withWebServer { server in
      let sent = try await delveWebhook(
        "send", "\(server.base)/export", "--key", key, "--claim", "note=a b", "--claim",
        "exp=4102444800", "--id", "77")
      #expect(sent.exitCode == 0, "\(sent)")
      #expect(sent.output.hasPrefix("HTTP/1.1 202"))
      let file = "\(server.folder.path)/spool/\(try #require(server.storedEvents.first))"
      let event = try #require(try JSONValue(parsing: try fileBytes(file)).object)
      #expect(event["data"]?.object?["note"] == .string("a b"))
      #expect(event["data"]?.object?["exp"] == .number(4_102_444_800))
      #expect(event["data"]?.object?["id"] == .string("77"))
      let again = try await delveWebhook("send", "\(server.base)/export", "--replay", file)
      #expect(again.exitCode == 0)
      #expect(again.output.hasPrefix("HTTP/1.1 200"))
      #expect(again.output.contains(#""code":"duplicate""#))
    }
  }

  @Test func whatIsNoEventIsNotReplayed() async throws {
    let result = try await delveWebhook("send", "http://127.0.0.1:1/x", "--replay", key)
    #expect(result.exitCode == 66)
    #expect(result.errorOutput.contains("is not an event with its token"))
  }

  @Test(arguments: [[], ["--key", "k", "--replay", "f"], ["--replay", "f", "--forge"]])
  func keyOrStoredEventIsNeeded(arguments: [String]) async throws {
    let result = try await command(
      Repository.executable("delve-webhook"), ["send", "http://127.0.0.1:1/x"] + arguments)
    #expect(result.exitCode == 64)
  }

  // MARK: Refusals

  /// What is behind the URL and the key for each code word, and where. A file `payload` is `[]`, and
  /// `long` has 2,000 bytes.
  private static let invocations: [Refusal.Reason: (place: String, arguments: [String])] = [
    .method: ("export", ["--method", "GET"]),
    .bodyTooLarge: ("export", ["--body", "long"]),
    .tokenTooLarge: ("export", ["--claim", "note=\(String(repeating: "x", count: 1_000))"]),
    .missingAuthorization: ("export", ["--header", "Authorization:"]),
    .malformedAuthorization: ("export", ["--header", "authorization: Signed a, Signed b"]),
    .missingXSignature: ("export", ["--header", "X-Signature:"]),
    .malformedXSignature: ("export", ["--header", "X-Signature: ES512 /a, ES512 /b"]),
    .malformedToken: ("export", ["--header", "Authorization: Signed a.b"]),
    .malformedHeader: ("export", ["--header", "Authorization: Signed e30.e30.AA"]),
    .algorithmNotAllowed: ("export", ["--key", "p256"]),
    .xSignatureMismatch: ("export", ["--key-location", "/other"]),
    .badSignature: ("export", ["--forge"]),
    .malformedPayload: ("export", ["--payload", "payload"]),
    .malformedClaims: ("export", ["--claim", "kind=1"]),
    .stale: ("export", ["--age", "8d"]),
    .future: ("export", ["--claim", "iat=4102444800"]),
    .expired: ("export", ["--claim", "exp=1"]),
    .notYetValid: ("export", ["--claim", "nbf=4102444800"]),
    .audience: ("export", ["--claim", "aud=somebody"]),
    .wrongHook: ("success", []),
    .bodyMismatch: ("export", ["--body", "payload"]),
  ]

  /// No request alone can cause these: the web server's configuration does, a web server that sends
  /// less than it announced, the spool, too little memory, or workers that are stuck.
  private static let notByARequest: Set<Refusal.Reason> = [
    .misconfigured, .malformedBody, .spoolFull, .spoolReadOnly, .spoolPermission, .spoolDescriptors,
    .spoolIO, .spoolClosed, .spoolLocked, .outOfMemory, .overloaded,
  ]

  @Test func everyRefusalThatARequestCanCauseCanBeTriedOut() async throws {
    #expect(
      Set(Self.invocations.keys) == Set(Refusal.Reason.allCases).subtracting(Self.notByARequest))
    let settings = "max-token-bytes: 1000\nmax-body-bytes: 1500\nbody: match"
    try await withWebServer(configuration: exampleConfiguration(settings: settings)) { server in
      try server.folder.write("[]".utf8, to: "payload")
      try server.folder.write([UInt8](repeating: 0x20, count: 2_000), to: "long")
      let files = Set(["payload", "long"])
      for (reason, (place, arguments)) in Self.invocations {
        let key = arguments.contains("p256") ? key.replacing("p521", with: "p256") : key
        let options = arguments.filter { $0 != "--key" && $0 != "p256" }.map {
          files.contains($0) ? "\(server.folder.path)/\($0)" : $0
        }
        let result = try await command(
          Repository.executable("delve-webhook"),
          ["send", "\(server.base)/\(place)", "--key", key] + options)
        #expect(result.exitCode == 1, "\(reason): \(result)")
        #expect(result.output.contains("\"code\":\"\(reason.codeWord)\""), "\(reason): \(result)")
      }
      let good = try await delveWebhook(
        "send", "\(server.base)/export", "--key", key, "--age", "1m")
      #expect(good.exitCode == 0, "\(good)")
      #expect(server.storedEvents.count == 1)
    }
  }

  /// Has a request refused that the responder keeps, and expects this body in it.
  private func expectBody(
    _ body: String,
    of send: @Sendable (_ server: WebServer, _ file: String) async throws -> CommandResult
  ) async throws {
    let settings = exampleConfiguration(settings: "body: match\nkeep-refused: 5")
    try await withWebServer(configuration: settings) { server in
      let file = try server.folder.write(body.utf8, to: "file")
      let result = try await send(server, file)
      #expect(result.exitCode == 1, "\(result)")
      func kept() -> String? {
        server.folder.files(below: "spool/acme/refused").first.map {
          server.folder.text(of: "spool/acme/refused/\($0)")
        }
      }
      #expect(try await eventually { kept() != nil })
      #expect(kept()?.hasSuffix("\r\n\r\n\(body)") == true, "\(kept() ?? "")")
    }
  }

  /// It is no name of a file.
  @Test func payloadIsSentAsItIs() async throws {
    try await expectBody("@/etc/hostname") { server, file in
      try await delveWebhook("send", "\(server.base)/export", "--key", key, "--payload", file)
    }
  }

  /// curl's own standard input is another.
  @Test func bodyMayBeStandardInput() async throws {
    try await expectBody("[1]") { server, file in
      let program = Repository.executable("delve-webhook")
      let line = "\(program) send \(server.base)/export --key \(key) --body /dev/stdin"
      return try await command("sh", ["-c", "\(line) <\(file)"])
    }
  }

  @Test func bodyThatCanBeReadOnlyOnceIsRefused() async throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0)
    let result = try await delveWebhook(
      "send", "http://127.0.0.1:1/x", "--key", key, "--body", "\(folder.path)/pipe")
    #expect(result.exitCode == 64 && result.errorOutput.contains("only once"), "\(result)")
  }

  @Test(arguments: [
    ["--key", "k", "--payload", "f", "--id", "1"], ["--replay", "f", "--age", "1m"],
    ["--key", "k", "--method", "GET x"], ["--key", "k", "--header", "x"],
  ])
  func optionsThatContradictEachOtherAreRefused(arguments: [String]) async throws {
    let result = try await command(
      Repository.executable("delve-webhook"), ["send", "http://127.0.0.1:1/x"] + arguments)
    #expect(result.exitCode == 64)
  }

  @Test func delveJSONHasTheThreeHooksAndNothingElse() async throws {
    let result = try await delveWebhook("delve-json", "--base-url", "https://h.example/delve/")
    let object = try #require(try JSONValue(parsing: Array(result.output.utf8)).object)
    #expect(object.members.count == 3)
    for (name, path) in [
      ("scanSuccessWebhook", "success"), ("scanFailureWebhook", "failure"),
      ("exportCompleteWebhook", "export"),
    ] {
      #expect(object[name]?.object?["url"] == .string("https://h.example/delve/\(path)"))
    }
    #expect(try await delveWebhook("delve-json", "--base-url", "ftp://x").exitCode == 64)
  }
}
