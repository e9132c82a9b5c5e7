internal import EventSpool
internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

/// Events that are counted again and again.
struct CensusTests {
  private static let now = Timestamp(seconds: 1_790_000_000)
  private static let longAgo = 1_700_000_000

  private let folder: TemporaryFolder
  private let instance: InstanceName

  init() throws {
    folder = try TemporaryFolder()
    instance = try exampleInstance().name
    try folder.makeFolder("acme/new")
  }

  private func newCensus() -> Census { Census(of: instance, in: folder.path) }

  /// Makes an event's file. Its folder's time is then `modified`, as if the file had always been
  /// there.
  private func addEvent(
    _ number: Int, to place: String = "new", modified: Int = longAgo
  ) throws {
    let name =
      "20260921T141\(300 + number)Z-export-done-1-\(String(repeating: "a", count: 32)).json"
    try folder.write([], to: "acme/\(place)/\(name)")
    let times = [timespec(tv_sec: modified, tv_nsec: 7), timespec(tv_sec: modified, tv_nsec: 7)]
    #expect(utimensat(AT_FDCWD, "\(folder.path)/acme/\(place)", times, 0) == 0)
  }

  private func count(
    _ census: inout Census, _ state: EventState = .new, now: Timestamp = now
  ) throws -> Int? {
    try census.look(now: now)[state]?.count
  }

  // MARK: What there is

  @Test func eventsOfEachStateAreCountedAndTheOldestIsFound() throws {
    let counts: [(state: EventState, places: [String], count: Int)] = [
      (.new, ["new"], 4), (.cur, ["cur"], 1), (.defer, ["defer"], 2), (.dead, ["dead"], 3),
      (.done, ["done/2026-09-20", "done/2026-09-21"], 2),
    ]
    for (_, places, count) in counts {
      for place in places { for number in 1...count { try addEvent(number, to: place) } }
    }
    try folder.write([], to: "acme/defer/a.json.state")
    try folder.write([], to: "acme/done/no-day")
    var census = newCensus()
    // The second look knows the folders.
    for _ in 1...2 {
      let summaries = try census.look(now: Self.now)
      for (state, places, count) in counts {
        #expect(summaries[state]?.count == places.count * count, "\(state)")
        #expect(summaries[state]?.oldestSeconds == 1_789_999_981, "\(state)")
      }
    }
  }

  @Test func emptyInstanceHasNothingInAnyState() throws {
    var census = newCensus()
    let summaries = try census.look(now: Self.now)
    #expect(summaries.count == EventState.allCases.count)
    #expect(summaries.values.allSatisfy { $0.count == 0 && $0.oldestSeconds == nil })
  }

  // MARK: What is not read again

  @Test(arguments: ["new", "cur", "defer", "dead", "done/2026-09-21"])
  func folderWhoseTimeStandsStillIsNotReadAgain(place: String) throws {
    let state = try #require(EventState(rawValue: String(place.prefix { $0 != "/" })))
    var census = newCensus()
    try addEvent(1, to: place)
    #expect(try count(&census, state) == 1)
    try addEvent(2, to: place)
    #expect(try count(&census, state) == 1)
    #expect(try count(&census, state) == 1)
    // The control: another time, and a look of somebody new.
    var other = newCensus()
    #expect(try count(&other, state) == 2)
    try addEvent(3, to: place, modified: Self.longAgo + 1)
    #expect(try count(&census, state) == 3)
  }

  /// The clock of a file system's times ticks some hundred times a second.
  @Test(arguments: [(0, 2), (1, 2), (2, 2), (3, 1)])
  func nameThatCameWithinTheLastTwoSecondsIsSeen(age: Int, seen: Int) throws {
    let modified = Int(Self.now.seconds) - age
    var census = newCensus()
    try addEvent(1, modified: modified)
    #expect(try count(&census) == 1)
    try addEvent(2, modified: modified)
    #expect(try count(&census) == seen)
  }

  /// A tmpfs keeps any time.
  @Test func folderOfAnyTimeIsCounted() throws {
    let other = "/dev/shm/\(folder.path.split(separator: "/")[1])"
    try FileManager.default.createDirectory(
      atPath: "\(other)/acme/new", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: other) }
    for seconds in [Int.min, Int.max] {
      let times = [timespec](repeating: timespec(tv_sec: seconds, tv_nsec: 0), count: 2)
      #expect(utimensat(AT_FDCWD, "\(other)/acme/new", times, 0) == 0)
      var census = Census(of: instance, in: other)
      #expect(try count(&census) == 0)
    }
  }

  @Test func anotherFolderInItsPlaceIsRead() throws {
    try addEvent(1)
    try addEvent(1, to: "batch")
    try addEvent(2, to: "batch")
    var census = newCensus()
    #expect(try count(&census) == 1)
    let path = "\(folder.path)/acme"
    #expect(rename("\(path)/new", "\(path)/aside") == 0)
    #expect(rename("\(path)/batch", "\(path)/new") == 0)
    #expect(try count(&census) == 2)
  }

  @Test func dayThatIsPrunedCountsNoLonger() throws {
    try addEvent(1, to: "done/2026-09-20")
    try addEvent(1, to: "done/2026-09-21")
    var census = newCensus()
    #expect(try count(&census, .done) == 2)
    let path = "\(folder.path)/acme"
    #expect(rename("\(path)/done/2026-09-20", "\(path)/pruned") == 0)
    #expect(try count(&census, .done) == 1)
  }

  // MARK: What cannot be looked at

  @Test(arguments: ["", "acme", "acme/new"])
  func missingFolderIsNoEmptyOne(name: String) throws {
    try addEvent(1)
    var census = newCensus()
    #expect(try count(&census) == 1)
    let path = name.isEmpty ? folder.path : "\(folder.path)/\(name)"
    #expect(rename(path, "\(folder.path)-aside") == 0)
    let error = #expect(throws: SpoolError.self) { try census.look(now: Self.now) }
    #expect(error?.errno == ENOENT)
    #expect(rename("\(folder.path)-aside", path) == 0)
    #expect(try count(&census) == 1)
  }

  @Test(arguments: ["cur", "defer", "dead", "done", "done/2026-09-21"])
  func folderThatCannotBeOpenedIsAnError(place: String) throws {
    try folder.makeFolder("acme/done")
    let path = "\(folder.path)/acme/\(place)"
    if place == "done" { #expect(rmdir(path) == 0) }
    #expect(symlink("\(path)", path) == 0)
    var census = newCensus()
    let error = #expect(throws: SpoolError.self) { try census.look(now: Self.now) }
    #expect(error?.errno == ELOOP)
  }
}
