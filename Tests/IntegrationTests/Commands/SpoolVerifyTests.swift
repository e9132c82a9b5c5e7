internal import Foundation
internal import Glibc
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `spool verify`, on a spool with events that were signed.
@Suite(.noHang)
struct SpoolVerifyTests {
  private let site: SpoolSite
  private let events: [Event]

  /// Makes three events of the instance `acme`, two of them in `new/`.
  init() throws {
    site = try SpoolSite()
    events = try (0..<3).map { try exampleEvent(id: "e\($0)") }
    for (event, place) in zip(events, ["new", "new", "done/2026-09-22"]) {
      try site.folder.write(event.line, to: "spool/acme/\(place)/\(event.fileName)")
    }
  }

  private func changed(_ event: Event, _ old: String, to new: String) throws -> [UInt8] {
    let line = String(decoding: event.line, as: UTF8.self)
    try #require(line.contains(old))
    return Array(line.replacing(old, with: new).utf8)
  }

  // MARK: What does not hold

  @Test func eventThatWasChangedIsNamed() async throws {
    let name = events[1].fileName
    try site.folder.write(
      changed(events[1], "\"id\":\"e1\"", to: "\"id\":\"e9\""), to: "spool/acme/new/\(name)")
    try site.folder.write("half".utf8, to: "spool/acme/dead/half.json")
    let result = try await site.delveWebhook("spool", "verify")
    #expect(result.exitCode == 1)
    let lines = result.output.split(separator: "\n")
    #expect(
      Set(lines.dropLast()) == [
        "acme/dead/half.json: the file is not an event",
        "acme/new/\(name): data is not what was signed",
      ])
    #expect(lines.last == "2 of 4 events hold")
    let json = try await site.delveWebhook("spool", "verify", "--json")
    #expect(json.output.hasSuffix("{\"verified\":2,\"failed\":2,\"removed\":0}\n"))
  }

  @Test func sourceMustBeTheConfiguredOneAndWithKeysOnlyEndInTheInstance() async throws {
    let name = events[1].fileName
    let url = "https://acme.delvesecurity.app"
    try site.folder.write(
      changed(events[1], "\(url)#", to: "https://a.example#"), to: "spool/acme/new/\(name)")
    let configured = try await site.delveWebhook("spool", "verify")
    #expect(configured.exitCode == 1)
    #expect(
      configured.output == "acme/new/\(name): source is not its instance's\n2 of 3 events hold\n")
    let keys = ["--keys", TestKey.p521.path]
    #expect(try await site.delveWebhook(["spool", "verify"] + keys).exitCode == 0)
    try site.folder.write(
      changed(events[1], "#acme", to: "#beta"), to: "spool/acme/new/\(name)")
    #expect(try await site.delveWebhook(["spool", "verify"] + keys).exitCode == 1)
  }

  @Test func eventInAnotherInstancesFolderDoesNotHold() async throws {
    try site.folder.write(events[0].line, to: "spool/beta/new/\(events[0].fileName)")
    let result = try await site.delveWebhook("spool", "verify", "--keys", TestKey.p521.path)
    #expect(result.exitCode == 1)
    #expect(result.output.hasPrefix("beta/new/\(events[0].fileName): source is not"))
    #expect(result.output.hasSuffix("\n3 of 4 events hold\n"))
  }

  // MARK: A spool in use

  @Test func eventInTwoFoldersCountsOnce() async throws {
    try site.folder.write(events[0].line, to: "spool/acme/done/2026-09-23/\(events[0].fileName)")
    let result = try await site.delveWebhook("spool", "verify")
    #expect(result.exitCode == 0)
    #expect(result.output == "3 of 3 events hold\n")
  }

  @Test(arguments: ["cur", "dead"])
  func forgedFileOfAnEventThatHoldsElsewhereIsFound(state: String) async throws {
    let path = "acme/\(state)/\(events[0].fileName)"
    try site.folder.write(changed(events[0], "\"e0\"", to: "\"e9\""), to: "spool/\(path)")
    let result = try await site.delveWebhook("spool", "verify")
    #expect(result.exitCode == 1)
    #expect(result.output == "\(path): data is not what was signed\n2 of 3 events hold\n")
  }

  @Test func spoolWhoseEventsMoveHoldsAndEachCountsOnce() async throws {
    let count = 200
    var names = events.prefix(2).map(\.fileName)
    for number in names.count..<count - 1 {
      let event = try exampleEvent(id: "e\(number + 1)")
      try site.folder.write(event.line, to: "spool/acme/new/\(event.fileName)")
      names.append(event.fileName)
    }
    for state in ["cur", "defer", "dead"] { try site.folder.makeFolder("spool/acme/\(state)") }
    let moves = MovingEvents(in: "\(site.path)/spool/acme", names: names)
    for _ in 0..<5 {
      let before = moves.count
      let result = try await site.delveWebhook("spool", "verify")
      #expect(result.exitCode == 0)
      #expect(result.output == "\(count) of \(count) events hold\n")
      #expect(moves.count > before)
    }
  }

  /// The pipe is full while the first of the names that were read are checked: further names are in
  /// hand when their files go.
  @Test func eventsThatAreRemovedMeanwhileAreCountedByThemselves() async throws {
    let site = try SpoolSite()
    try site.addEvents(3_000)
    let result = try await site.shell(
      """
      { "\(site.program)" spool verify; echo "exit $?"; } | {
        IFS= read -r first
        find "\(site.path)/spool/acme/new" -name '*.json' -delete
        cat
      }
      """)
    let lines = result.output.split(separator: "\n")
    #expect(lines.dropLast(2).allSatisfy { $0.hasSuffix(": its token is not one of the vendor's") })
    let counts = try #require(
      lines.dropLast().last?.wholeMatch(
        of: /0 of (\d+) events hold; (\d+) were removed meanwhile/))
    let (failed, removed) = (Int(counts.1) ?? 0, Int(counts.2) ?? 0)
    // The first line was read before.
    #expect(failed == lines.count - 1)
    #expect(removed > 0 && failed + removed < 3_000)
    #expect(lines.last == "exit 1")
  }

  // MARK: Many days

  @Test func manyDaysNeedNoMoreDescriptorsThanFew() async throws {
    for day in 0..<1_100 {
      let date = CalendarDate(secondsSince1970: 1_500_000_000 + Int64(day) * 86_400).rfc3339
      try site.folder.write("x\n".utf8, to: "spool/acme/done/\(date.prefix(10))/\(day).json")
    }
    func spool(_ arguments: String) async throws -> CommandResult {
      let result = try await site.shell(
        "ulimit -n 64; exec \"\(site.program)\" spool \(arguments)")
      #expect(!(result.output + result.errorOutput).contains("Too many open files"))
      return result
    }
    #expect(try await spool("list --state done").output.split(separator: "\n").count == 1_102)
    #expect(try await spool("stats").output.contains("acme      done   1101    "))
    #expect(try await spool("show 1099.json --raw").output == "x\n")
    #expect(try await spool("show \(events[2].id.hex.prefix(12))").exitCode == 0)
    #expect(try await spool("verify").output.hasSuffix("\n3 of 1103 events hold\n"))
  }
}

/// Moves events, one after the other and without an end, as consumers and operators do: from `new`
/// to `cur`, from there to `defer` or `dead`, and back to `new`.
private final class MovingEvents: Sendable {
  private final class State: Sendable {
    let moves = Atomic(0)
    let isOver = Atomic(false)
  }

  private let state = State()

  init(in folder: String, names: [String]) {
    // Not a task: other tests may keep the threads of all tasks busy.
    Thread.detachNewThread { [state] in
      for round in 0... {
        let last = round.isMultiple(of: 2) ? "defer" : "dead"
        for (from, to) in [("new", "cur"), ("cur", last), (last, "new")] {
          for name in names {
            guard !state.isOver.load(ordering: .relaxed) else { return }
            rename("\(folder)/\(from)/\(name)", "\(folder)/\(to)/\(name)")
            state.moves.add(1, ordering: .relaxed)
            usleep(50)
          }
        }
      }
    }
  }

  deinit { state.isOver.store(true, ordering: .relaxed) }

  var count: Int { state.moves.load(ordering: .relaxed) }
}
