internal import EventSpool
internal import Foundation
internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import TestSupport
internal import Testing
internal import WebhookCore

struct HousekeepingTests {
  private static let hour: Int64 = 3_600
  private static let day: Int64 = 86_400

  /// A replay is known for as long as it would be taken.
  @Test func memoryIsLongerThanAnyDeliveryIsFresh() {
    #expect(Freshness.memorySeconds > Freshness.longestMaxAgeSeconds)
  }

  /// The hours in ids/ that are left after some steps at `now`.
  private func hoursLeft(of issued: [Int64], now: Int64) throws -> Int {
    let test = try SpoolUnderTest()
    for (index, time) in issued.enumerated() {
      _ = try test.publish(try exampleEvent(id: "\(index)", issuedAt: time))
    }
    var housekeeping = Housekeeping(of: test.spool)
    for _ in 0..<3 { try housekeeping.step(now: Timestamp(seconds: now)) }
    return test.ids.count
  }

  @Test func hourIsForgottenWhenItLiesEightDaysBehindClockAndNewestHour() throws {
    let old: Int64 = 1_790_000_000
    let nineDays = old + 9 * Self.day
    #expect(try hoursLeft(of: [old, nineDays], now: nineDays) == 1)
    #expect(try hoursLeft(of: [old, old + 8 * Self.day - Self.hour], now: nineDays) == 2)
    // A clock that jumps a year ahead forgets nothing, and one that jumps back neither.
    #expect(try hoursLeft(of: [old, old + Self.day], now: old + 365 * Self.day) == 2)
    #expect(try hoursLeft(of: [old, nineDays], now: old) == 2)
  }

  @Test func foldersOfIdsAreSyncedWithinAStep() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    _ = try test.publish(event)
    test.recorded.reset()
    var housekeeping = Housekeeping(of: test.spool)
    try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
    #expect(test.recorded.calls.prefix(2) == ["fsync \(event.issuedHour)", "fsync ids"])
    test.recorded.reset()
    try housekeeping.step(now: Timestamp(seconds: 1_790_000_001))
    #expect(test.recorded.calls == [])
  }

  @Test func whatCouldNotBeSyncedIsTriedAgain() throws {
    let test = try SpoolUnderTest()
    let event = try exampleEvent()
    _ = try test.publish(event)
    test.recorded.reset(failing: RecordedCall("fsync \(event.issuedHour)"))
    #expect(throws: SpoolError.self) { try test.spool.syncMemory() }
    test.recorded.reset()
    try test.spool.syncMemory()
    #expect(test.recorded.calls == ["fsync \(event.issuedHour)", "fsync ids"])
  }

  /// A folder in which nothing has changed since would sync without touching the disk.
  @Test func everyProbeChangesTheFolderThatItSyncs() throws {
    let test = try SpoolUnderTest()
    var housekeeping = Housekeeping(of: test.spool)
    test.recorded.reset(failing: "fsync unnamed")
    _ = try? test.publish(try exampleEvent())
    for _ in 0..<2 {
      test.recorded.reset(failing: "fsync acme")
      #expect(throws: SpoolError.self) {
        try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
      }
      #expect(
        test.recorded.calls.suffix(4)
          == ["link acme", "move acme acme", "fsync acme", "unlink acme"])
      #expect(throws: SpoolError(.closed)) { try test.publish(try exampleEvent()) }
    }
    test.recorded.reset()
    try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
    #expect(try test.publish(try exampleEvent()) == .stored)
    #expect(test.folder.files(below: "acme").filter { $0.hasPrefix(".") } == [])
  }

  /// The probe succeeds, but while it runs, a sync of another thread fails.
  @Test func syncThatFailsDuringTheProbeKeepsTheSpoolClosed() throws {
    enum Plan { case real, failing, failingDuringTheProbe }
    let plan = Mutex(Plan.real)
    let opened = Mutex<InstanceSpool?>(nil)
    var calls = SystemCalls()
    calls.fsync = { descriptor in
      let now = plan.withLock { plan in
        defer { plan = plan == .failingDuringTheProbe ? .failing : .real }
        return plan
      }
      if now == .failingDuringTheProbe { try? opened.withLock { $0 }?.syncMemory() }
      guard now == .failing else { return fsync(descriptor) }
      errno = EIO
      return -1
    }
    let folder = try TemporaryFolder()
    let spool = try InstanceSpool.open(
      try exampleInstance().name, in: folder.path, calls: calls)
    opened.withLock { $0 = spool }
    // Its calls hold it.
    defer { opened.withLock { $0 = nil } }
    func publish(_ id: String) throws -> Publisher.Publication {
      try Publisher(of: spool).publish(
        try exampleEvent(id: id), minimumFreeBytes: 0, until: soon)
    }
    #expect(try publish("1") == .stored)
    plan.withLock { $0 = .failing }
    #expect(throws: SpoolError.self) { try spool.syncMemory() }
    plan.withLock { $0 = .failingDuringTheProbe }
    var housekeeping = Housekeeping(of: spool)
    try? housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
    #expect(throws: SpoolError(.closed)) { try publish("2") }
    try housekeeping.step(now: Timestamp(seconds: 1_790_000_001))
    #expect(try publish("2") == .stored)
  }

  @Test func foldersOfManyHoursDoNotAllStayOpen() throws {
    let test = try SpoolUnderTest()
    for number in 0..<60 {
      let time = 1_790_000_000 + Int64(number) * Self.hour
      _ = try test.publish(try exampleEvent(id: "\(number)", issuedAt: time))
    }
    try test.spool.syncMemory()
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
    }
    let hours = open.filter { $0.hasPrefix("\(test.folder.path)/acme/ids/") }
    #expect((1...16).contains(hours.count), "\(hours.count)")
  }

  /// A folder in an old hour, a file in the place of an hour, and more names that are no text than
  /// one step removes.
  @Test func whateverLiesInAnOldHourHidesNothingBehindIt() throws {
    let test = try SpoolUnderTest()
    let times: [Int64] = [1_790_000_000, 1_790_000_000 + Self.hour, 1_790_000_000 + 9 * Self.day]
    for (index, time) in times.enumerated() {
      _ = try test.publish(try exampleEvent(id: "\(index)", issuedAt: time))
    }
    let ids = "\(test.folder.path)/acme/ids"
    try test.folder.write([], to: "acme/ids/20250101T00")
    try test.folder.makeFolder("acme/ids/20250102T00/folder")
    for number in 0..<600 {
      let name =
        Array("\(ids)/20260921T14/".utf8).map(CChar.init(bitPattern:))
        + [CChar(bitPattern: 0xFF), CChar(number % 100 + 20), CChar(number / 100 + 65), 0]
      close(open(name, O_CREAT | O_WRONLY, 0o600))
    }
    var housekeeping = Housekeeping(of: test.spool)
    var failures: [SpoolError] = []
    for _ in 0..<5 {
      do throws(SpoolError) {
        try housekeeping.step(now: Timestamp(seconds: times[2]))
      } catch {
        failures.append(error)
      }
    }
    #expect(test.ids.count == 2, "\(test.ids)")  // the newest event, and the file
    #expect(failures.count >= 4 && Set(failures.map(\.message)).count == 1, "\(failures)")
    #expect(throws: SpoolError.self) {
      try Housekeeping(of: test.spool).forgetAll(now: Timestamp(seconds: times[2]))
    }
  }

  @Test func manyNamesAreForgottenInBoundedSteps() throws {
    let test = try SpoolUnderTest()
    _ = try test.publish(try exampleEvent())
    for index in 0..<1_200 { try test.folder.write([], to: "acme/ids/20260101T00/\(index)") }
    var housekeeping = Housekeeping(of: test.spool)
    for left in [701, 201, 1] {
      try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
      #expect(test.ids.count == left)
    }
  }
}
