internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// What the built `delve-webhook` does with its standard output: a terminal, a pipe, a reader that
/// goes.
@Suite(.noHang)
struct StandardOutputTests {
  private let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  /// The output of `spool …` at a terminal of its own (script(1)), without standard error. The
  /// terminal adds a carriage return to each line.
  private func atTerminal(_ arguments: String) async throws -> String {
    let result = try await site.shell(
      "script -qec '\"\(site.program)\" spool \(arguments) 2>/dev/null' /dev/null </dev/null")
    return result.output.replacing("\r\n", with: "\n")
  }

  private func isPrintable(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == UInt8(ascii: "\n") }
  }

  // MARK: JSON

  private static let steering = "\u{9B}31mB\u{202E}C\u{7F}é😀"

  /// Makes an event whose name and payload hold characters that steer a terminal.
  private func makeSteeringEvent() throws -> String {
    let event = try exampleEvent(id: Self.steering)
    let name = "20260921T141320Z-\(Self.steering)-done-1-\(event.id.hex.prefix(32)).json"
    try site.folder.write(event.line, to: "spool/acme/new/\(name)")
    return String(event.id.hex.prefix(32))
  }

  @Test(arguments: ["list --json", "verify --json", "show --json ID"])
  func jsonIsASCIIAtATerminalAndAsItIsInAPipe(command: String) async throws {
    let arguments = command.replacing("ID", with: try makeSteeringEvent())
    let piped = try await site.shell("\"\(site.program)\" spool \(arguments)").output
    let shown = try await atTerminal(arguments)
    #expect(piped.contains(Self.steering))
    #expect(isPrintable(shown))
    #expect(shown.contains(#"\u009b31mB\u202eC\u007f\u00e9\ud83d\ude00"#))
    let (lines, others) = (piped.split(separator: "\n"), shown.split(separator: "\n"))
    #expect(lines.count == others.count)
    for (line, other) in zip(lines, others) {
      #expect(
        try JSONValue(parsing: Array(line.utf8)) == JSONValue(parsing: Array(other.utf8)))
    }
  }

  @Test func tailsJSONIsASCIIAtATerminal() async throws {
    let log = "\(site.path)/tail.log"
    let tail = try SpawnedProcess(
      "env",
      [
        "DELVE_WEBHOOK_CONFIG=\(site.path)/config.yaml", "script", "-qfec",
        "\(site.program) spool tail --json", "/dev/null",
      ], log: log)
    try site.folder.makeFolder("spool/acme/new")
    // Until it watches the folder, it sees nothing.
    var number = 0
    let isSeen = try await eventually {
      number += 1
      try site.folder.write("x".utf8, to: "spool/acme/new/\(number)-\(Self.steering).json")
      // Behind the line that says what is waited for.
      return site.text("tail.log").contains("}")
    }
    tail.send(signal: SIGTERM)
    #expect(isSeen, "\(site.text("tail.log"))")
    #expect(isPrintable(site.text("tail.log").replacing("\r\n", with: "\n")))
    #expect(site.text("tail.log").contains(#"\u009b31mB\u202eC\u007f\u00e9\ud83d\ude00.json"#))
  }

  @Test func readableOutputIsPrintableInAPipeToo() async throws {
    let result = try await site.delveWebhook("spool", "show", makeSteeringEvent())
    #expect(isPrintable(result.output))
    #expect(result.output.contains(#"  id: "\u009b31mB\u202eC\u007f\u00e9\ud83d\ude00""#))
  }

  /// A help that nobody gets is no success either.
  @Test(arguments: ["--help", "--version", "help spool", "spool run --help"])
  func helpThatCannotBeWrittenIsNoSuccess(arguments: String) async throws {
    for (output, reason) in [
      (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor"),
    ] {
      let result = try await site.shell("'\(site.program)' \(arguments) \(output)")
      #expect(result.exitCode == 74, "\(result)")
      #expect(result.errorOutput == "delve-webhook: standard output: \(reason)\n")
    }
  }

  // MARK: A reader that goes

  /// What a reader that has gone would still be sent is counted by strace(1).
  @Test(arguments: ["list --json", "verify", "verify --json"])
  func programEndsWithItsReader(command: String) async throws {
    try site.addEvents(3_000)
    let result = try await site.shell(
      """
      { strace -f -qq -e trace=write -o \(site.path)/writes \
        "\(site.program)" spool \(command); echo "exit $?" >&2; } | head -n 1
      """)
    #expect(result.output.split(separator: "\n").count == 1)
    // What verify had found by then holds.
    #expect(result.errorOutput == (command.hasPrefix("verify") ? "exit 1\n" : "exit 0\n"))
    let writes = site.text("writes").split(separator: "\n")
    #expect(writes.count { $0.contains("EPIPE") } <= 1)
    #expect(writes.count < 2_900)
  }

  /// A change is never left in the middle.
  @Test func eventsAreMovedAlsoIfNobodyReadsTheirNames() async throws {
    let names = try site.addEvents(20)
    let result = try await site.shell(
      """
      printf '%s\\n' \(names.joined(separator: " ")) |
        { "\(site.program)" spool finish -; echo "exit $?" >&2; } | true
      """)
    #expect(result.errorOutput == "20 events finished\nexit 0\n")
    #expect(site.files("spool/acme/done/\(site.today)").count == 20)
  }
}
