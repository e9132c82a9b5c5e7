internal import Glibc
internal import TestSupport
internal import Testing

/// What a person sees of `spool run` at a terminal.
@Suite(.noHang)
struct RunTerminalTests {
  private static let terminals = [
    Terminal(), Terminal(columns: 200), Terminal(columns: 20), Terminal(columns: 3),
    Terminal(environment: ["TERM": "dumb"]), Terminal(environment: ["NO_COLOR": "1"]),
    Terminal(environment: ["TERM": ""]),
  ]

  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  private func run(
    _ script: String, _ options: String = "", at terminal: Terminal = Terminal(),
    to output: String = ""
  ) async throws -> CommandResult {
    let handler = try site.folder.write(script.utf8, to: "handler")
    return try await terminal.run(
      "'\(site.program)' spool run \(options) -- sh \(handler) \(output)", at: site)
  }

  @Test(arguments: terminals)
  func outputStaysAboveTheBarAndASummaryIsLast(terminal: Terminal) async throws {
    try site.addEvents(12, issuedApart: 60)
    // What is put off is the last one: on a slow machine, it is due again some events later.
    let result = try await run(
      """
      case $DELVE_SUBJECT in export/5) echo no >&2; exit 65 ;; export/11) exit 3 ;; esac
      printf 'a half'; printf '%s' "-$DELVE_SUBJECT" >&2; sleep 0.1; echo line
      """, at: terminal)
    #expect(result.exitCode == 1, "\(result)")
    #expect(!result.output.contains("\u{1B}"))
    // On its way there was a bar that took no more than one row, if there is room for any.
    let bars = result.output.split { "\r\n".utf8.contains($0.utf8.first ?? 0) || $0 == "\r\n" }
      .filter { $0.contains("/12") }
    #expect(bars.isEmpty == (terminal.columns < 5), "\(result.output.debugDescription)")
    #expect(bars.allSatisfy { $0.utf8.count < terminal.columns })
    #expect(bars.contains { $0.contains("[#") } == (terminal.columns >= 20))
    let summary = "10 handled, 1 put off, 1 given up in "
    let text = terminal.rows(result.output).joined(separator: terminal.columns < 80 ? "" : "\n")
    #expect(
      text.contains(terminal.columns < 80 ? summary.filter { $0 != " " } : summary)
        || text.filter { $0 != " " }.contains(summary.filter { $0 != " " }), "\(text)")
    guard terminal.columns >= 80 else { return }
    let rows = terminal.rows(result.output).filter { !$0.isEmpty }
    #expect(rows.last?.hasPrefix(summary) == true)
    #expect(rows.count { $0 == "a half line" || $0 == "a halfline" } == 10, "\(rows)")
    for number in 0..<12 where number != 5 && number != 11 {
      #expect(rows.contains("-export/\(number)"), "\(rows)")
    }
    #expect(rows.contains("no"))
    #expect(rows.contains("dead acme export done 5 00000000: exit=65, attempt 1"), "\(rows)")
    #expect(rows.contains("put-off acme export done 11 00000000: exit=3, attempt 1"), "\(rows)")
    #expect(rows.count == 10 * 2 + 4, "\(rows)")
  }

  @Test func manyCommandsAtOnceGarbleNothing() async throws {
    try site.addEvents(60)
    let result = try await run(
      "for i in 1 2 3 4 5; do printf one; printf ' line\\n'; done; printf 'and another\\n' >&2",
      "--jobs 8")
    #expect(result.exitCode == 0, "\(result)")
    let rows = Terminal().rows(result.output).filter { !$0.isEmpty }
    #expect(rows.count { $0 == "one line" } == 300)
    #expect(rows.count { $0 == "and another" } == 60)
    #expect(rows.count == 361, "\(Set(rows))")
  }

  @Test func quietSaysNothingOfWhatGoesWell() async throws {
    try site.addEvents(3, issuedApart: 60)
    let result = try await run(
      "[ $DELVE_SUBJECT != export/1 ] || exit 65; echo said", "--quiet")
    #expect(result.exitCode == 1)
    #expect(
      Terminal().rows(result.output)
        == ["said", "dead acme export done 1 00000000: exit=65, attempt 1", "said", ""],
      "\(result)")
    // Nor in a pipe.
    try site.addEvents(1, from: 9)
    let piped = try await site.run("echo said", ["--quiet"])
    #expect(piped.exitCode == 0 && piped.output == "said\n" && piped.errorOutput == "", "\(piped)")
  }

  @Test func pipeHasNoBarAndNoSummary() async throws {
    try site.addEvents(2)
    let result = try await site.run("echo said")
    #expect(result.output == "said\nsaid\n")
    #expect(result.errorOutput.matches(of: /info result=done/).count == 2, "\(result)")
    #expect(result.errorOutput.split(separator: "\n").count == 2)
  }

  /// The bar's terminal does not get what goes elsewhere.
  @Test func outputThatGoesToAFileIsLeftAlone() async throws {
    try site.addEvents(2)
    let result = try await run(
      "printf x; [ ! -t 1 ] && echo y", to: "> \(site.path)/output")
    #expect(result.exitCode == 0)
    #expect(site.text("output") == "xy\nxy\n")
    let rows = Terminal().rows(result.output).filter { !$0.isEmpty }
    #expect(rows == ["2 handled, 0 put off, 0 given up in less than a second"] || rows.count == 1)
  }

  @Test func summaryOfTellingSaysSo() async throws {
    try site.addEvents(2)
    #expect(try await site.run("exit 65").exitCode == 1)
    let result = try await run("exit 0", "--state dead")
    #expect(
      Terminal().rows(result.output).contains { $0.hasPrefix("2 told, 0 put off in ") }, "\(result)"
    )
  }
}
