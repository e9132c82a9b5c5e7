internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// The built `spool run --state dead`: somebody is told of each event that was given up.
@Suite(.noHang)
struct TellingTests {
  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  /// Events that were given up.
  private func deadEvents(_ count: Int = 1, from first: Int = 0) async throws -> [String] {
    let names = try site.addEvents(count, from: first, issuedApart: 60)
    #expect(try await site.run("echo bad >&2; exit 65").exitCode == 1)
    return names
  }

  /// Runs `script` to tell of them.
  private func tell(
    _ script: String = "echo $DELVE_SUBJECT >> ROOT/told", _ options: [String] = []
  ) async throws -> CommandResult {
    try await site.run(
      script.replacing("ROOT", with: site.path), ["--state", "dead"] + options)
  }

  private func record(_ name: String) -> String { site.text("spool/acme/dead/\(name).state") }

  private var told: [String] {
    guard site.files(".").contains("told") else { return [] }
    return site.text("told").split(separator: "\n").map(String.init)
  }

  // MARK: Once

  @Test func commandIsRunOnceForEachEventAndTheEventStays() async throws {
    let names = try await deadEvents(3)
    let records = names.map(record)
    let result = try await tell(
      "cat > ROOT/stdin; echo $DELVE_EVENT_FILE $DELVE_EVENT_ID $DELVE_INSTANCE >> ROOT/told")
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.errorOutput.matches(of: /result=told/).count == 3, "\(result)")
    #expect(
      told
        == (0..<3).map { "\(site.path)/spool/acme/dead/\(names[$0]) \(site.id($0)) acme" })
    #expect(site.text("stdin") == site.text("spool/acme/dead/\(names[2])"))
    #expect(site.events == names.map { "acme/dead/\($0)" })
    for (name, old) in zip(names, records) {
      // What an older program reads there is what it was.
      #expect(record(name).hasPrefix(old.dropLast(2)), "\(record(name)) \(old)")
      #expect(record(name).contains(#""notice":{"attempts":1,"#), "\(record(name))")
      #expect(record(name).hasSuffix(#""exit":0,"stderr":""}}"# + "\n"), "\(record(name))")
    }
    let shown = try await site.delveWebhook("spool", "show", names[0])
    #expect(shown.output.contains("  attempts: 1; somebody was told\n"), "\(shown.output)")
    #expect(shown.output.contains("  stderr: bad\n"))
    let again = try await tell()
    #expect(again.exitCode == 0 && again.errorOutput == "" && told.count == 3, "\(again)")
  }

  @Test func retryAllowsToTellAgain() async throws {
    let name = try await deadEvents()[0]
    #expect(try await tell().exitCode == 0)
    #expect(try await site.delveWebhook("spool", "retry", name).exitCode == 0)
    #expect(site.files("spool/acme/dead") == [])
    #expect(try await tell().exitCode == 0)
    #expect(told == ["export/0"])
    #expect(try await site.run("exit 65").exitCode == 1)
    #expect(!record(name).contains("notice"))
    #expect(try await tell().exitCode == 0)
    #expect(told == ["export/0", "export/0"])
  }

  @Test func severalProgramsTellOfEachEventOnce() async throws {
    let names = try await deadEvents(60)
    let results = try await withThrowingTaskGroup(of: CommandResult.self) { group in
      for _ in 0..<4 {
        group.addTask {
          try await tell("echo $DELVE_SUBJECT >> ROOT/told; sleep 0.05", ["--jobs", "4"])
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.allSatisfy { $0.exitCode == 0 }, "\(results)")
    #expect(told.count == 60)
    #expect(Set(told).count == 60)
    #expect(names.allSatisfy { record($0).contains(#""notice":{"attempts":1,"#) })
  }

  // MARK: Failures

  @Test func commandThatFailsIsRunAgainWhenItIsDue() async throws {
    let name = try await deadEvents()[0]
    let failed = try await tell("echo x >> ROOT/told; echo nobody there >&2; exit 65")
    #expect(failed.exitCode == 1, "\(failed)")
    #expect(failed.errorOutput.contains("result=put-off"), "\(failed)")
    #expect(failed.errorOutput.contains("exit=65 attempt=1"), "\(failed)")
    let shown = try await site.delveWebhook("spool", "show", name)
    #expect(shown.output.contains("  its end: exit=65\n"), "\(shown.output)")
    #expect(shown.output.contains("  stderr: nobody there\n"), "\(shown.output)")
    try makeDue(name, isNow: false)
    #expect(try await tell().exitCode == 0)
    #expect(told == ["x"])
    try makeDue(name)
    #expect(try await tell().exitCode == 0)
    #expect(told == ["x", "export/0"])
    #expect(record(name).contains(#""notice":{"attempts":2,"#))
  }

  private func makeDue(_ name: String, isNow: Bool = true) throws {
    let time = Date.now.addingTimeInterval(isNow ? -86_400 : 3_600).formatted(.iso8601)
    try site.folder.write(
      record(name).replacing(/"nextattempt":"[^"]*"/, with: #""nextattempt":"\#(time)""#).utf8,
      to: "spool/acme/dead/\(name).state")
  }

  /// A crash in the middle: the command keeps the lock, and then it is run again.
  @Test func eventOfAProgramThatDiedIsToldOfAgain() async throws {
    let name = try await deadEvents()[0]
    let runner = try site.start(
      "run", "--state", "dead", "--", "sh", "-c",
      "echo $$ > \(site.path)/process; echo first >> \(site.path)/told; exec sleep 1000")
    #expect(try await eventually { told == ["first"] }, "the command was not started")
    runner.send(signal: SIGKILL)
    _ = try await runner.exitCode()
    #expect(try await tell().exitCode == 0)
    #expect(told == ["first"])
    let command = pid_t(site.text("process").dropLast()) ?? 0
    #expect(command > 1)
    kill(command, SIGKILL)
    let isTold = try await eventually {
      _ = try await tell()
      return told == ["first", "export/0"]
    }
    #expect(isTold, "\(told)")
    #expect(record(name).contains(#""notice":{"attempts":1,"#))
  }

  @Test func eventWhoseCommandRunsIsNeitherRetriedNorPruned() async throws {
    let name = try await deadEvents()[0]
    let result = try await tell(
      """
      '\(site.program)' spool retry \(name) 2>> ROOT/told
      '\(site.program)' spool prune --older-than 0s --dead >> ROOT/told 2>&1; exit 0
      """)
    #expect(result.exitCode == 0, "\(result)")
    #expect(told.contains { $0.hasSuffix("\(name): a running command holds it") }, "\(told)")
    #expect(site.events == ["acme/dead/\(name)"])
    #expect(record(name).contains("notice"))
  }

  @Test func eventThatItsCommandTakesAwayLeavesNoRecord() async throws {
    let name = try await deadEvents()[0]
    let result = try await tell("rm $DELVE_EVENT_FILE $DELVE_EVENT_FILE.state")
    #expect(result.exitCode == 0, "\(result)")
    #expect(site.files("spool/acme/dead") == [], "\(name)")
  }

  // MARK: What else may lie there

  @Test func whatWasMovedThereByHandIsToldOf() async throws {
    let name = try site.addEvents(1)[0]
    try site.folder.makeFolder("spool/acme/dead")
    rename("\(site.path)/spool/acme/new/\(name)", "\(site.path)/spool/acme/dead/\(name)")
    try site.folder.write("no event".utf8, to: "spool/acme/dead/x.json")
    let result = try await tell("echo ${DELVE_EVENT_FILE##*/} ${DELVE_EVENT_ID-none} >> ROOT/told")
    #expect(result.exitCode == 0, "\(result)")
    #expect(told == ["\(name) \(site.id(0))", "x.json none"])
    #expect(try await tell().exitCode == 0)
    #expect(told.count == 2)
    #expect(site.events.count == 2)
  }

  @Test func nameThatLeavesNoRoomForTheNoteIsLeftOut() async throws {
    let name = String(repeating: "x", count: 245) + ".json"
    try site.folder.write("no event".utf8, to: "spool/acme/dead/\(name)")
    _ = try await deadEvents()
    let result = try await tell()
    #expect(result.exitCode == 1)
    #expect(result.errorOutput.contains("left out"), "\(result)")
    #expect(result.errorOutput.contains("File name too long"), "\(result)")
    #expect(told == ["export/0"])
  }

  // MARK: Following

  @Test func eventsAreToldOfAsTheyAreGivenUp() async throws {
    let runner = try site.start(
      "run", "--state", "dead", "--follow", "--", "sh", "-c",
      "echo $DELVE_SUBJECT >> \(site.path)/told")
    for round in 0..<3 {
      let name = try await deadEvents(from: round)[0]
      let isTold = try await eventually { told == (0...round).map { "export/\($0)" } }
      #expect(isTold, "\(told) \(site.text("runner.log"))")
      #expect(site.events.contains("acme/dead/\(name)"))
    }
    // The same event, given up again.
    let name = site.events.sorted()[0].split(separator: "/").last.map(String.init) ?? ""
    let isNoted = try await eventually { record(name).contains(#""exit":0,"#) }
    #expect(isNoted, "\(record(name))")
    #expect(try await site.delveWebhook("spool", "retry", name).exitCode == 0)
    #expect(try await site.run("exit 65").exitCode == 1)
    let isToldAgain = try await eventually { told.last == "export/0" && told.count == 4 }
    #expect(isToldAgain, "\(told) \(site.text("runner.log"))")
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  @Test func optionsThatMeanNothingThereAreRefused() async throws {
    let attempts = try await tell("true", ["--max-attempts", "3"])
    #expect(attempts.exitCode == 64 && attempts.errorOutput.contains("--max-attempts"))
    let other = try await site.run("true", ["--state", "done"])
    #expect(other.exitCode == 64, "\(other)")
  }
}
