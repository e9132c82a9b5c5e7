internal import Foundation
internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `delve-webhook explain` and `delve-webhook keys check`.
@Suite(.noHang)
struct ExplainAndKeysTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    // With the usual freshness, by which the catalogue goes.
    let configuration = exampleConfiguration().replacing("max-age-seconds: 604800", with: "")
    try folder.write(configuration.utf8, to: "config.yaml")
  }

  private func delveWebhook(_ arguments: [String], input: String = "") async throws -> CommandResult
  {
    try await command(
      Repository.executable("delve-webhook"), arguments,
      environment: ["DELVE_WEBHOOK_CONFIG": "\(folder.path)/config.yaml"], input: input)
  }

  // MARK: explain

  private static let now: Int64 = 1_790_000_000

  private func request(payload: String = examplePayload(issuedAt: now), extra: String = "") throws
    -> String
  {
    let token = String(decoding: try authorization(payload: payload), as: UTF8.self)
    return "POST /webhooks/delve/export HTTP/1.1\r\nHost: x\r\nauthorization:  \(token) \r\n"
      + "X-Signature: ES512 /api/webhook.key\r\nContent-Length: 2\r\n\(extra)\r\n{}"
  }

  @Test func goodRequestPassesEveryStep() async throws {
    let result = try await delveWebhook(
      ["explain", "--now", "2026-09-21T14:13:20Z", "--hook", "export-complete"],
      input: try request())
    #expect(result.exitCode == 0)
    #expect(
      result.output.components(separatedBy: "  ok     ").count == 1 + DecisionStep.allCases.count)
    #expect(result.output.hasSuffix("answer: 202 stored\n"))
    #expect(result.output.contains(try TestKey.p521.verificationKeys[0].thumbprint.text))
  }

  @Test func refusedRequestNamesTheStepAndTheReason() async throws {
    let result = try await delveWebhook(
      ["explain", "--now", "\(Self.now + 400)"], input: try request())
    #expect(result.exitCode == 1)
    #expect(
      result.output.contains("freshness            REFUSED  stale: iat is too old, by 100 s;"))
    #expect(result.output.contains("\nhook                 -"))
    #expect(result.output.hasSuffix("answer: 401 stale\n"))
  }

  @Test func jsonSaysTheSame() async throws {
    let result = try await delveWebhook(
      ["explain", "--now", "\(Self.now)", "--json"],
      input: try request(extra: "X-Signature: other\r\n"))
    let object = try #require(try JSONValue(parsing: Array(result.output.utf8)).object)
    #expect(object["status"] == .number(400))
    #expect(object["code"] == .string("malformed-x-signature"))
    #expect(object["steps"]?.array?.count == DecisionStep.allCases.count)
  }

  @Test func tokenAloneIsNotAskedForAnXSignature() async throws {
    let token = String(
      decoding: try authorization(payload: examplePayload(issuedAt: Self.now)), as: UTF8.self)
    for text in [token + "\n", String(token.dropFirst("Signed ".count))] {
      let file = try folder.write(text.utf8, to: "token")
      let result = try await delveWebhook(["explain", file, "--now", "\(Self.now)"])
      #expect(result.exitCode == 0, "\(result.output)")
    }
  }

  /// Checks the whole catalogue's default cases, so that `explain` never disagrees with the
  /// responder.
  @Test func explanationAgreesWithTheCatalogue() async throws {
    let cases = AttackCase.all.filter {
      $0.config.members.isEmpty && $0.after.isEmpty && $0.algorithms == ["ES512"]
        && $0.keys == ["keys/p521.pem"] && $0.status != 500 && isHeaderField($0.authorization)
    }
    #expect(cases.count > 250)
    // One case of each reason, because a process for every case would take minutes.
    for attack in Dictionary(grouping: cases, by: \.codeWord).values.compactMap(\.first) {
      var text = Array("POST / HTTP/1.1\n".utf8)
      if let value = attack.authorization { text += Array("Authorization: ".utf8) + value + [0x0A] }
      if let value = attack.xSignature { text += Array("X-Signature: ".utf8) + value + [0x0A] }
      let file = try folder.write(text + [0x0A] + attack.body, to: "request")
      let hook = attack.hook.map { ["--hook", $0] } ?? []
      let result = try await delveWebhook(
        ["explain", file, "--now", "\(attack.now)", "--json"] + hook)
      #expect(result.output.contains("\"code\":\"\(attack.codeWord)\""), "\(attack.name)")
    }
  }

  /// A field of HTTP text cannot have a line break in it, or blanks around it.
  private func isHeaderField(_ value: [UInt8]?) -> Bool {
    guard let value else { return true }
    return !value.contains { $0 == 0x0A || $0 == 0x0D } && value.first != 0x20 && value.last != 0x20
  }

  @Test func whatCannotBeReadIsSaid() async throws {
    let wrongClock = try await delveWebhook(["explain", "--now", "yesterday"], input: "x")
    #expect(wrongClock.exitCode == 64)
    let empty = try await delveWebhook(["explain"])
    #expect(empty.exitCode == 66)
    #expect(empty.errorOutput.contains("nothing to explain"))
    let noFile = try await delveWebhook(["explain", "/nonexistent"])
    #expect(noFile.exitCode == 66)
    let noHeader = try await delveWebhook(["explain"], input: "POST / HTTP/1.1\nrubbish\n\n")
    #expect(noHeader.errorOutput.contains("line 2 of the request is not a header field"))
  }

  // MARK: keys check

  @Test func keysCheckNamesTypeThumbprintAndWhatIsServed() async throws {
    let result = try await delveWebhook(["keys", "check"])
    #expect(result.exitCode == 0)
    let thumbprint = try TestKey.p521.verificationKeys[0].thumbprint.text
    #expect(
      result.output == "acme: \(TestKey.p521.path)\n  EC P-521  \(thumbprint)  serves ES512\n")
  }

  @Test func keysCheckSaysWhatIsWrong() async throws {
    let bad = "\(Repository.root)/Tests/Attacks/bad-keys/private.jwk.json"
    let result = try await delveWebhook(["keys", "check", TestKey.rsa2048.path, bad])
    #expect(result.exitCode == 78)
    #expect(result.output.contains("RSA 2048 bits"))
    #expect(result.output.contains("serves RS256, RS384, RS512, PS256, PS384, PS512"))
    #expect(result.output.contains("WRONG: holds a private key"))
    let json = try await delveWebhook(["keys", "check", "--json", bad])
    let object = try #require(try JSONValue(parsing: Array(json.output.utf8)).object)
    #expect(strings(object["problem"])[0].hasPrefix("holds a private key"))
  }
}
