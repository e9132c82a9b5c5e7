internal import Foundation
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `spool list`, and `spool show` by what it lists.
@Suite(.noHang)
struct SpoolListTests {
  private let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  private func list(_ arguments: String...) async throws -> CommandResult {
    try await site.delveWebhook(["spool", "list"] + arguments)
  }

  /// The rows below the head, as words.
  private func rows(_ result: CommandResult) -> [[String]] {
    result.output.split(separator: "\n").dropFirst().map { line in
      line.split(separator: " ").map(String.init)
    }
  }

  /// The states and the sender's ids.
  private func listed(_ arguments: String...) async throws -> [String] {
    let result = try await site.delveWebhook(["spool", "list", "--json"] + arguments)
    #expect(result.exitCode == 0, "\(result)")
    return try result.output.split(separator: "\n").map { line in
      let object = try #require(try JSONValue(parsing: Array(line.utf8)).object)
      return strings(object["state"])[0] + " " + strings(object["claimid"])[0]
    }
  }

  /// Puts an event into that state.
  @discardableResult
  private func add(
    _ number: Int, _ state: String, issued: Int, kind: String = "export-done", id: String? = nil,
    record: String? = nil, instance: String = "acme"
  ) throws -> String {
    let name = try site.addEvents(1, from: number, issuedFrom: issued, instance: instance)[0]
    if state == "new", kind == "export-done", id == nil { return name }
    let place = try site.folder.makeFolder("spool/\(instance)/\(state)")
    let other = name.replacing("-export-done-\(number)-", with: "-\(kind)-\(id ?? "\(number)")-")
    try FileManager.default.moveItem(
      atPath: "\(site.path)/spool/\(instance)/new/\(name)", toPath: "\(place)/\(other)")
    if let record {
      try site.folder.write(record.utf8, to: "spool/\(instance)/\(state)/\(other).state")
    }
    return other
  }

  private func time(in seconds: Int) -> String {
    Date.now.addingTimeInterval(Double(seconds)).formatted(.iso8601)
  }

  private var now: Int { Int(Date.now.timeIntervalSince1970) }

  /// Two of each state but `done`, which has one; the numbers are in the order of their times.
  private func addOfEveryState() throws {
    for (index, state) in ["new", "cur", "defer", "dead", "new", "cur", "defer", "dead"]
      .enumerated()
    {
      try add(index, state, issued: 1_790_000_000 + index, kind: "scan-done")
    }
    try add(8, "done/2026-09-22", issued: 1_790_000_008, kind: "scan-done")
  }

  // MARK: Which, and in which order

  @Test func whatNeedsSomebodyComesFirstAndWhatIsFinishedOnlyWhenAskedFor() async throws {
    try addOfEveryState()
    #expect(
      try await listed() == [
        "dead 3", "dead 7", "defer 2", "defer 6", "cur 1", "cur 5", "new 0", "new 4",
      ])
    #expect(rows(try await list()).map { $0[0] + " " + $0[3] } == (try await listed()))
    #expect(try await listed("--state", "done") == ["done 8"])
    #expect(
      try await listed("--state", "new", "--state", "dead", "--state", "new")
        == ["dead 3", "dead 7", "new 0", "new 4"])
  }

  @Test func lastAreThoseIssuedLastAndLimitThoseIssuedFirst() async throws {
    try addOfEveryState()
    #expect(try await listed("--last", "3") == ["dead 7", "defer 6", "cur 5"])
    #expect(try await listed("--limit", "3") == ["defer 2", "cur 1", "new 0"])
    #expect(try await listed("--last", "0") == [])
    for wrong in [["--last=-1"], ["--last", "1", "--limit", "1"]] {
      #expect(try await site.delveWebhook(["spool", "list"] + wrong).exitCode == 64)
    }
  }

  @Test func filtersSayWhichEvents() async throws {
    try add(1, "new", issued: now - 3_600, kind: "scan-done", id: "214")
    try add(2, "new", issued: now - 86_400, kind: "scan-failed", id: "2140")
    try add(3, "new", issued: now - 172_800, kind: "export-done", id: "a_b")
    #expect(try await listed("--hook", "scan-success") == ["new 214"])
    #expect(try await listed("--hook", "scan-failure") == ["new 2140"])
    #expect(try await listed("--hook", "export-complete") == ["new a_b"])
    #expect(try await listed("--hook", "scan-success", "--kind", "export") == [])
    #expect(try await listed("--kind", "scan", "--status", "failed") == ["new 2140"])
    #expect(try await listed("--id", "214") == ["new 214"])
    // As the sender has it; the file's name has not every byte.
    #expect(try await listed("--id", "a/b") == ["new a_b"])
    #expect(try await listed("--since", "2h") == ["new 214"])
    #expect(try await listed("--newer-than", "25h") == ["new 2140", "new 214"])
    #expect(try await listed("--older-than", "2h") == ["new a_b", "new 2140"])
    let day = CalendarDate(secondsSince1970: Int64(now - 100_000)).rfc3339
    for since in [day, String(day.prefix(16)), day.replacing("T", with: " ")] {
      #expect(try await listed("--since", since) == ["new 2140", "new 214"], "\(since)")
    }
    #expect(try await listed("--since", "30d", "--older-than", "25h") == ["new a_b"])
    #expect(try await listed("--match", "scan-failed-21") == ["new 2140"])
    for wrong in ["--hook=scan", "--since=yesterday", "--since=2026-02-30", "--since="] {
      #expect(try await list(wrong).exitCode == 64, "\(wrong)")
    }
  }

  @Test func matchAlsoLooksAtWhyTheHandlingFailed() async throws {
    let exit = #"{"attempts":1,"deferrals":0,"exit":65,"stderr":"first\nno such table\nlast\n"}"#
    let answer = #"{"attempts":1,"deferrals":0,"answer":"503","text":"busy"}"#
    let moment = now
    try add(1, "dead", issued: moment, record: exit)
    try add(2, "defer", issued: moment, record: answer)
    // While it is tried again, the record is where it was. Same moment, same name.
    try add(3, "cur", issued: moment)
    try add(3, "defer", issued: moment, record: exit)
    _ = try await site.shell("rm \(site.path)/spool/acme/defer/*-3-*.json")
    #expect(try await listed("--match", "such table") == ["dead 1", "cur 3"])
    #expect(try await listed("--match", "exit=65") == ["dead 1", "cur 3"])
    #expect(try await listed("--match", "answer=503") == ["defer 2"])
    #expect(try await listed("--match", "nothing") == [])
  }

  // MARK: What a row says

  @Test func rowSaysWhyAndWhenNext() async throws {
    let record = { (next: String) in
      #"{"attempts":2,"deferrals":0,"lastattempt":"\#(time(in: -60))",\#(next)"exit":1,"#
        + #""stderr":"trying\n\u001b[2Jrefused \n\n"}"#
    }
    try add(1, "dead", issued: now - 3 * 86_400, record: record(""))
    try add(
      2, "defer", issued: now - 7_300, record: record(#""nextattempt":"\#(time(in: 3_000))","#))
    try add(3, "defer", issued: now - 7_200, record: record(#""nextattempt":"\#(time(in: -3))","#))
    try add(4, "new", issued: now - 600)
    let result = try await list()
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(
      lines[0].split(separator: " ")
        == ["STATE", "FILE", "ID", "EVENT", "ID", "AGE", "NEXT", "IN", "WHY"])
    let why = #"exit=1: \u{1B}[2Jrefused "#
    #expect(lines[1].hasSuffix("  3 d      -        \(why)"), "\(result.output)")
    #expect(
      lines[2].contains(#/  2 h      \d+ min   /#) && lines[2].hasSuffix(why),
      "\(result.output)")
    #expect(lines[3].hasSuffix("  2 h      now      \(why)"), "\(result.output)")
    #expect(lines[4].contains(#/  \d+ min   -        -$/#), "\(result.output)")
  }

  @Test func jsonHasTheRecordInFull() async throws {
    let record =
      #"{"attempts":2,"deferrals":0,"nextattempt":"2026-09-21T14:13:20.000Z","exit":1,"#
      + #""stderr":"a\nb\n"}"#
    let name = try add(1, "defer", issued: 1_790_000_000, record: record)
    try add(2, "new", issued: 1_790_000_000)
    let lines = try await list("--json").output.split(separator: "\n")
    #expect(
      lines[0]
        == #"{"path":"acme/defer/\#(name)","instance":"acme","state":"defer","file":"\#(name)","#
        + #""issued":"20260921T141320Z","kind":"export","status":"done","claimid":"1","#
        + #""idprefix":"\#(site.id(1).prefix(32))","handling":\#(record)}"#)
    #expect(!lines[1].contains("handling"))
  }

  /// No record is read of what is not shown, and none of what is new.
  @Test func recordsAreReadOnlyOfWhatIsShown() async throws {
    for number in 0..<20 {
      try add(
        number, "defer", issued: 1_790_000_000 + number, record: #"{"attempts":1,"deferrals":0}"#)
    }
    try site.addEvents(20, from: 20)
    let trace = "strace -f -e trace=openat -o \(site.path)/trace \(site.program) spool list"
    for (options, count) in [("--last 0", 0), ("--limit 3 --state defer", 3), ("--state new", 0)] {
      #expect(try await site.shell("\(trace) \(options)").exitCode == 0)
      let opened = site.text("trace").split(separator: "\n").count { $0.contains(".json.state\"") }
      #expect(opened == count, "\(options)")
    }
  }

  // MARK: Ids

  @Test func cutIDsNameTheirEventsForOtherCommands() async throws {
    let long = String(repeating: "abcdefgh", count: 8)
    let digits = ["0123456789abcdef0123456789abcde1", "0123456789abcdef0123456789abcde2"]
    for (index, id) in digits.enumerated() {
      let name = try add(index, "new", issued: 1_790_000_000, kind: "scan-done", id: "\(long)")
      let old = "\(site.path)/spool/acme/new/\(name)"
      try FileManager.default.moveItem(
        atPath: old, toPath: old.replacing(site.id(index).prefix(32), with: id))
    }
    try site.folder.write("{}\n".utf8, to: "spool/acme/new/a-name-that-is-no-events.json")
    let rows = rows(try await list())
    #expect(rows.map { $0[1] } == ["01234..bcde1", "01234..bcde2", "a-nam...json"])
    #expect(rows[0][3] == "abcd..efgh")
    for (row, id) in zip(rows, digits + ["a-name-that-is-no-events"]) {
      let shown = try await site.delveWebhook("spool", "show", row[1], "--raw")
      #expect(shown.exitCode == 0, "\(shown)")
      let moved = try await site.delveWebhook("spool", "finish", "--dry-run", row[1])
      #expect(moved.output.contains(id), "\(moved)")
    }
    #expect(try await listed("--id", rows[0][3]).count == 2)
    let ambiguous = try await site.delveWebhook("spool", "show", "01234..bcde")
    #expect(ambiguous.exitCode == 1)
    for wrong in [
      "0123456..bcde3", "0..1", "01234..", "..bcde1", "0123456789abcdef0123456789..6789abcde1",
    ] {
      let result = try await site.delveWebhook("spool", "show", wrong)
      #expect(
        result.errorOutput == "delve-webhook: no event called \(wrong) in the spool\n"
          || result.errorOutput.contains("the sender's id goes behind --id"), "\(result)")
      #expect(result.exitCode == 1)
    }
  }

  @Test func eventIsShownByTheSendersID() async throws {
    try site.addEvents(1, from: 214)
    let shown = try await site.delveWebhook("spool", "show", "--id", "214")
    #expect(shown.exitCode == 0 && shown.output.contains("export/214"), "\(shown)")
    let hint = try await site.delveWebhook("spool", "show", "214")
    #expect(hint.exitCode == 1 && hint.errorOutput.contains("behind --id"), "\(hint)")
    try add(1, "dead", issued: 1_790_000_000, kind: "scan-done", id: "214")
    let several = try await site.delveWebhook("spool", "show", "--id", "214")
    #expect(several.exitCode == 1, "\(several)")
    #expect(several.errorOutput.split(separator: "\n").count == 3, "\(several)")
    let none = try await site.delveWebhook("spool", "show", "--id", "215")
    #expect(none.exitCode == 1 && none.errorOutput.contains("no event"), "\(none)")
    for wrong in [["show"], ["show", "214", "--id", "214"]] {
      #expect(try await site.delveWebhook(["spool"] + wrong).exitCode == 64)
    }
  }

  // MARK: Terminals

  /// With everything as long as it can be.
  @Test(arguments: [80, 40, 20, 200], ["xterm", "dumb"])
  func tableFitsTheTerminal(columns: Int, terminal: String) async throws {
    let record =
      #"{"attempts":1,"deferrals":0,"exit":1,"stderr":"\#(String(repeating: "why ", count: 50))"}"#
    for instance in ["acme", "an-instance-of-a-long-name"] {
      try add(
        1, "dead", issued: now - 100 * 60, kind: "subscription-cancelled",
        id: String(repeating: "x", count: 64), record: record, instance: instance)
    }
    let result = try await site.shell(
      "script -qec 'stty cols \(columns); TERM=\(terminal) \(site.program) spool list' /dev/null")
    let lines = result.output.split(whereSeparator: \.isNewline)
    #expect(lines.count == 3)
    #expect(!result.output.contains("\u{1B}"))
    #expect(lines.dropFirst().allSatisfy { $0.count == columns && $0.hasSuffix("..") }, "\(result)")
    guard columns >= 80 else { return }
    #expect(lines[2].contains(#/ an-i..name  00000..aaaaa  subsc..lled  xxxx..xxxx  1\d\d min  /#))
  }
}
