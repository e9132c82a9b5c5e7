internal import StrictJSON
internal import TestSupport
internal import Testing

/// Errors before the first request. The responder does not start, and says why.
@Suite(.noHang)
struct StartupTests {
  private func start(keys file: String) async throws -> CommandResult {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let text = """
      spool: spool
      instances: {acme: {url: "https://acme.delvesecurity.app", keys: ["\(file)"]}}
      """
    let config = try folder.write(text.utf8, to: "config.yaml")
    // Without a socket, it ends by itself: with 64 if configuration, keys and spool are right.
    return try await command(
      Repository.executable("delve-webhook-fcgi"), ["--config", config])
  }

  @Test func everyBadKeyFileIsRefusedByNameAndEveryOddOneLoads() async throws {
    var refused = 0
    var loaded = 0
    for line in try testFile("Attacks/bad-keys.jsonl").split(separator: 0x0A) {
      let entry = try #require(try JSONValue(parsing: Array(line)).object)
      let file = "\(Repository.root)/Tests/Attacks/\(strings(entry["file"])[0])"
      let result = try await start(keys: file)
      if entry["expect"] == .string("refused") {
        #expect(result.exitCode == 78, "\(file)")
        #expect(result.errorOutput.hasPrefix("delve-webhook-fcgi: \(file): "), "\(file)")
        refused += 1
      } else {
        #expect(result.exitCode == 64, "\(file): \(result.errorOutput)")
        loaded += 1
      }
    }
    #expect(refused == 65)
    #expect(loaded == 11)
  }

  @Test func spoolThatIsMissingIsNamedWithTheRemedy() async throws {
    let folder = try TemporaryFolder()
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let result = try await command(
      Repository.executable("delve-webhook-fcgi"), ["--config", config])
    #expect(result.exitCode == 78)
    #expect(result.errorOutput.contains("spool: open: No such file or directory; make the folder"))
  }

  @Test func fullSpoolIsAnsweredWith503AndItsRemedyIsLogged() async throws {
    let settings = exampleConfiguration().replacing(
      "minimum-free-bytes: 0", with: "minimum-free-bytes: \(Int.max)")
    try await withResponder(configuration: settings) { responder in
      let response = try responder.deliver(authorization: try nowAuthorization())
      #expect(response.status == 503)
      #expect(response["Retry-After"] == "30")
      #expect(response.text.contains(#""code":"spool-full""#))
      #expect(responder.healthStatus() == 503)
      #expect(try await responder.logs("free space or inodes in the spool's file system"))
      #expect(responder.storedEvents == [])
    }
  }

  @Test func spoolThatVanishedIsAnsweredWith503AndThePathIsLogged() async throws {
    try await withResponder { responder in
      _ = try await command("rm", ["-r", "\(responder.folder.path)/spool"])
      let response = try responder.deliver(authorization: try nowAuthorization())
      #expect(response.status == 503)
      #expect(response.text.contains(#""code":"spool-io""#))
      #expect(try await responder.logs("path=\(responder.folder.path)/spool/acme/"))
      #expect(responder.healthStatus() == 503)
    }
  }
}
