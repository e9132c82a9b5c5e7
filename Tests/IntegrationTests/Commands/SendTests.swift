internal import StrictJSON
internal import TestSupport
internal import Testing

/// The built `send` and `delve-json`, through a real nginx.
@Suite(.timeLimit(.minutes(15)))
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
