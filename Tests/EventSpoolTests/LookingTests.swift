internal import EventSpool
internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

/// What looks at a spool sees in its folders.
struct LookingTests {
  private static let now = Timestamp(seconds: 1_790_000_000)  // 2026-09-21T14:13:20Z

  private let folder: TemporaryFolder
  private let reader: SpoolReader
  private let instance: InstanceName

  init() throws {
    folder = try TemporaryFolder()
    reader = try SpoolReader(path: folder.path)
    instance = try exampleInstance().name
  }

  /// Makes a file whose last modification was at this time.
  private func makeFile(_ name: String, modified: Int = 1_700_000_000) throws {
    let path = try folder.write("x".utf8, to: "acme/\(name)")
    setModification(of: path, to: modified)
  }

  private func setModification(of path: String, to seconds: Int) {
    let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
    #expect(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0)
  }

  // MARK: How many, and how old

  @Test func folderThatIsMissingOrEmptyHasNothing() throws {
    let summary = try reader.summary(of: instance, in: .new)
    #expect(summary.count == 0)
    #expect(summary.oldestSeconds == nil)
  }

  @Test func ageIsThatOfTheEarliestName() throws {
    for name in ["20260921T141321Z-b.json", "20260921T141320Z-a.json", "20260921T141322Z-c.json"] {
      try makeFile("new/\(name)")
    }
    let summary = try reader.summary(of: instance, in: .new)
    #expect(summary.count == 3)
    #expect(summary.oldestSeconds == 1_790_000_000)
  }

  @Test func finishedEventsOfAllDaysAreSummedUp() throws {
    try makeFile("done/2026-09-21/20260921T141321Z-b.json")
    try makeFile("done/2026-09-22/20260921T141320Z-a.json")
    let summary = try reader.summary(of: instance, in: .done)
    #expect(summary.count == 2)
    #expect(summary.oldestSeconds == 1_790_000_000)
  }

  @Test(
    arguments: [
      "foreign.json", "20260921T141320Z.json", "20269921T141320Z-a.json",
      "00000000T000000Z-a.json", "20260231T000000Z-a.json",
    ])
  func ageOfANameWithoutATimeIsItsModifications(name: String) throws {
    try makeFile("new/20260921T141320Z-a.json")
    try makeFile("new/\(name)", modified: 1_600_000_000)
    #expect(try reader.summary(of: instance, in: .new).oldestSeconds == 1_600_000_000)
    setModification(of: "\(folder.path)/acme/new/\(name)", to: 1_799_999_999)
    #expect(try reader.summary(of: instance, in: .new).oldestSeconds == 1_790_000_000)
  }

  @Test func whateverLiesThereHasAnAge() throws {
    let new = try folder.makeFolder("acme/new")
    let make: [(String) -> Int32] = [
      { mkfifo($0, 0o600) }, { symlink("nowhere", $0) }, { mkdir($0, 0o700) },
    ]
    for (index, make) in make.enumerated() {
      let path = "\(new)/\(index).json"
      #expect(make(path) == 0)
      setModification(of: path, to: 1_600_000_000 - index)
      let summary = try reader.summary(of: instance, in: .new)
      #expect(summary.count == index + 1)
      #expect(summary.oldestSeconds == 1_600_000_000 - Int64(index))
    }
  }

  @Test func nameThatIsNoTextHasAnAge() throws {
    let bytes = Array("\(try folder.makeFolder("acme/new"))/".utf8) + [0xFF] + ".json".utf8 + [0]
    let path = bytes.map(CChar.init(bitPattern:))
    #expect(mkfifo(path, 0o600) == 0)
    let times = [
      timespec(tv_sec: 1_600_000_000, tv_nsec: 0), timespec(tv_sec: 1_600_000_000, tv_nsec: 0),
    ]
    #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
    #expect(try reader.summary(of: instance, in: .new).oldestSeconds == 1_600_000_000)
  }

  @Test func whatIsNotNamedLikeAnEventDoesNotCount() throws {
    for name in [".draft.json", "a.json.state", "a.txt"] { try makeFile("new/\(name)") }
    #expect(try reader.summary(of: instance, in: .new).count == 0)
  }

  // MARK: Events that move

  @Test(
    arguments: [
      "new", "cur", "defer", "dead", "done/2026-09-21", "done/2026-09-20", "done/2020-01-01",
    ])
  func eventThatHasMovedIsFound(place: String) throws {
    try makeFile("\(place)/a.json")
    for state in EventState.allCases {
      let seen = SpoolEntry(
        place: SpoolPlace(
          instance: instance, state: state, day: state == .done ? "2020-01-01" : nil),
        fileName: "a.json")
      let found = try reader.contents(following: seen, now: Self.now)
      // Only a look at all names finds what was finished on another day.
      guard place != "done/2020-01-01" || state == .done else { continue }
      #expect(found?.entry.path == "acme/\(place)/a.json")
      #expect(found?.bytes == Array("x".utf8))
    }
  }

  @Test func eventThatIsNowhereIsNotFound() throws {
    try makeFile("new/b.json")
    let seen = SpoolEntry(
      place: SpoolPlace(instance: instance, state: .new, day: nil), fileName: "a.json")
    #expect(try reader.contents(following: seen, now: Self.now) == nil)
  }

  @Test func eventThatCannotBeReadIsAnErrorAndNotGone() throws {
    let new = try folder.makeFolder("acme/new")
    #expect(symlink("nowhere", "\(new)/a.json") == 0)
    let seen = SpoolEntry(
      place: SpoolPlace(instance: instance, state: .new, day: nil), fileName: "a.json")
    #expect(throws: SpoolError.self) {
      try reader.contents(following: seen, now: Self.now)
    }
  }
}
