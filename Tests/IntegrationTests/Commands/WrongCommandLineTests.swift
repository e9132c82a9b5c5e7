internal import Glibc
internal import TestSupport
internal import Testing

/// What the built programs answer to a wrong command line, and what they say while they wait.
@Suite(.noHang)
struct WrongCommandLineTests {
  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  @Test(arguments: [
    (["spol"], "Error: delve-webhook has no command 'spol'. Did you mean 'delve-webhook spool'?"),
    (
      ["list"],
      "Error: delve-webhook has no command 'list'. Did you mean 'delve-webhook spool list'?"
    ),
    (
      ["spool", "rety", "x"],
      "Error: delve-webhook spool has no command 'rety'. Did you mean 'delve-webhook spool retry'?"
    ),
    (["foo"], "Error: delve-webhook has no command 'foo'."),
  ])
  func nearestCommandIsSuggested(arguments: [String], sentence: String) async throws {
    let result = try await site.delveWebhook(arguments)
    #expect(result.exitCode == 64 && result.output == "")
    let lines = result.errorOutput.split(separator: "\n").map(String.init)
    #expect(lines.first == sentence, "\(result)")
    #expect(lines.count >= 3 && lines[1...].contains { $0.contains("|") }, "\(result)")
    #expect(lines.last?.contains("--help' for more information.") == true)
  }

  @Test(arguments: [40, 80, 120])
  func usageFitsTheTerminal(columns: Int) async throws {
    let terminal = Terminal(columns: columns)
    let result = try await terminal.run("'\(site.program)' spool stats --zzzz", at: site)
    #expect(result.exitCode == 64, "\(result)")
    let rows = terminal.rows(result.output)
    #expect(rows.first == "Error: Unknown option '--zzzz'")
    let usage = rows.drop { !$0.hasPrefix("Usage: ") }.prefix { !$0.hasPrefix("  See") }
    #expect(usage.first?.hasPrefix("Usage: delve-webhook spool stats") == true, "\(rows)")
    #expect(usage.count > 1 && usage.allSatisfy { $0.count <= columns }, "\(rows)")
    // Nothing in brackets is torn apart.
    #expect(usage.dropFirst().allSatisfy { $0.hasPrefix("       [") }, "\(rows)")
    #expect(usage.dropFirst().allSatisfy { $0.hasSuffix("]") }, "\(rows)")
  }

  // MARK: Waiting

  @Test func personIsToldWhatIsWaitedFor() async throws {
    try site.folder.makeFolder("spool/acme/new")
    let tail = try SpawnedProcess(
      "script",
      ["-qfec", "'\(site.program)' spool tail --spool '\(site.path)/spool'", "/dev/null"],
      log: "\(site.path)/tail.log")
    let sentence = "delve-webhook: waiting for events in \(site.path)/spool"
    #expect(
      try await eventually {
        Terminal(columns: 200).rows(site.text("tail.log")).first == sentence
      }, "\(site.text("tail.log"))")
    tail.send(signal: SIGTERM)
    // What a terminal's reader types ends with Ctrl-D; the test's ends at once.
    let explain = try await Terminal().run(
      "'\(site.program)' explain", at: site)
    #expect(explain.output.contains("delve-webhook: waiting for the text; Ctrl-D"), "\(explain)")
    let piped = try await site.delveWebhook(["explain"], input: "x")
    #expect(!piped.errorOutput.contains("waiting"), "\(piped)")
  }
}
