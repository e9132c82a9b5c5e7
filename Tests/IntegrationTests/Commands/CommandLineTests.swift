internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `delve-webhook`, whose output goes into a pipe.
@Suite(.noHang)
struct CommandLineTests {
  private func delveWebhook(_ arguments: String...) async throws -> CommandResult {
    try await command(Repository.executable("delve-webhook"), arguments)
  }

  /// Makes a spool with three events, one of them finished.
  private func filledSpool() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (index, place) in ["new", "dead", "done/2026-09-22"].enumerated() {
      let event = try exampleEvent(id: "e\(index)", issuedAt: 1_790_000_000 - Int64(index) * 3_600)
      try folder.write(event.line, to: "acme/\(place)/\(event.fileName)")
    }
    try folder.write("1\n".utf8, to: "acme/format")
    return folder
  }

  @Test func listCanBeNarrowedAndRead() async throws {
    let spool = try filledSpool()
    let result = try await delveWebhook(
      "spool", "list", "--spool", spool.path, "--state", "dead", "--json", "--limit", "5")
    let line = try #require(try JSONValue(parsing: Array(result.output.utf8)).object)
    #expect(line["state"] == .string("dead"))
    #expect(line["claimid"] == .string("e1"))
    #expect(strings(line["path"])[0].hasPrefix("acme/dead/20260921T131320Z-export-done-e1-"))
  }

  @Test func eventIsShownByIDNameAndPath() async throws {
    let spool = try filledSpool()
    let event = try exampleEvent(id: "e0")
    for name in [
      String(event.id.hex.prefix(6)), event.id.hex, event.fileName.description,
      "\(spool.path)/acme/new/\(event.fileName)",
    ] {
      let shown = try await delveWebhook("spool", "show", name, "--spool", spool.path)
      #expect(shown.exitCode == 0, "\(name)")
      #expect(shown.output.contains("subject       export/e0\n"), "\(name)")
      let json = try await delveWebhook("spool", "show", name, "--spool", spool.path, "--raw")
      #expect(
        json.output
          == String(
            decoding: try fileBytes("\(spool.path)/acme/new/\(event.fileName)"), as: UTF8.self))
    }
  }

  @Test func whatIsNotThereIsSaidOnStandardError() async throws {
    let spool = try filledSpool()
    let unknown = try await delveWebhook("spool", "show", "0123456789", "--spool", spool.path)
    #expect(unknown.exitCode == 1)
    #expect(unknown.output == "")
    #expect(unknown.errorOutput == "delve-webhook: no event called 0123456789 in the spool\n")
    let noSpool = try await delveWebhook("spool", "list", "--spool", "/nonexistent")
    #expect(noSpool.exitCode == 66)
    #expect(noSpool.errorOutput.contains("/nonexistent: open: No such file or directory"))
    let noConfig = try await delveWebhook("spool", "list", "--config", "/nonexistent")
    #expect(noConfig.exitCode == 78)
    let noInstance = try await delveWebhook(
      "spool", "list", "--spool", spool.path, "--instance", "beta")
    #expect(noInstance.errorOutput.contains("no instance called beta in the spool; there: acme"))
  }

  @Test func bytesOfAnEventAreEscapedOnTheTerminal() async throws {
    let folder = try TemporaryFolder()
    let event = try exampleEvent(id: "\u{202E}\\u001b[2J")
    try folder.write(event.line, to: "acme/new/\(event.fileName)")
    let shown = try await delveWebhook("spool", "show", event.id.hex, "--spool", folder.path)
    #expect(shown.exitCode == 0)
    #expect(
      shown.output.unicodeScalars.allSatisfy { $0.isASCII && ($0.value >= 0x20 || $0 == "\n") })
    #expect(shown.output.contains(#"id: "\u202e\u001b[2J""#))
  }

  @Test func sendNamesWhatIsWrongWithItsKey() async throws {
    let url = "http://127.0.0.1:9/x"
    let missing = try await delveWebhook("send", url, "--key", "/nonexistent.pem")
    #expect(missing.exitCode == 66)
    let isPublic = try await delveWebhook("send", url, "--key", TestKey.p521.path)
    #expect(isPublic.exitCode == 66)
    #expect(isPublic.errorOutput.contains("is not a private key in PEM"))
    let nobody = try await delveWebhook(
      "send", url, "--key", "\(Repository.root)/Tests/Attacks/keys/private/p521.pem")
    #expect(nobody.exitCode == 69)
    #expect(nobody.errorOutput.contains("curl: (7)"))
    #expect(try await delveWebhook("send", "ftp://x", "--key", "k").exitCode == 64)
    #expect(
      try await delveWebhook("--version").output.hasPrefix("delve-webhook \(programVersion)\n"))
  }
}
