internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import TestSupport
internal import Testing
internal import WebhookCore

struct SpoolSetupTests {
  private func message(in folder: String, calls: SystemCalls = SystemCalls()) throws -> String? {
    do {
      _ = try InstanceSpool.open(
        try exampleInstance().name, in: folder, calls: calls)
      return nil
    } catch let error as SpoolError {
      return error.explanation
    }
  }

  @Test func foldersAreMadeOnceAndFoundAgain() throws {
    let folder = try TemporaryFolder()
    #expect(try message(in: folder.path) == nil)
    #expect(try message(in: folder.path) == nil)
    #expect(folder.files(below: "acme") == ["format", "lock"])
    #expect(folder.text(of: "acme/format") == "1\n")
  }

  @Test func newerLayoutIsRefused() throws {
    let folder = try TemporaryFolder()
    try folder.write("2\n".utf8, to: "acme/format")
    #expect(try message(in: folder.path)?.contains("use the version that wrote the spool") == true)
    #expect(folder.files(below: "acme") == ["format"])
  }

  @Test func missingSpoolIsNamedWithTheRemedy() throws {
    #expect(
      try message(in: "/nonexistent/spool")
        == "/nonexistent/spool: open: No such file or directory; make the folder, owned by "
        + "the user that the responder runs as, mode 0750")
  }

  @Test func fileSystemThatLacksSomethingIsRefused() throws {
    let folder = try TemporaryFolder()
    var calls = SystemCalls()
    calls.linkOpenFile = { _, _, _ in
      errno = EPERM
      return -1
    }
    #expect(try message(in: folder.path, calls: calls)?.contains("no hard links") == true)
    calls = SystemCalls()
    calls.lockByte = { _, _ in
      errno = ENOLCK
      return -1
    }
    #expect(try message(in: folder.path, calls: calls)?.contains("no byte-range locks") == true)
    calls = SystemCalls()
    calls.faccessat = { _, _, mode, _ in
      errno = mode == F_OK ? ENOENT : EACCES
      return -1
    }
    #expect(
      try message(in: folder.path, calls: calls)?.contains("give the spool to the user") == true)
  }
}

struct HousekeepingTests {
  private static let hour: Int64 = 3_600
  private static let day: Int64 = 86_400

  /// The number of hours in ids/ that remain after some steps at `now`.
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
    // No hour is forgotten if the clock jumps a year ahead, or back.
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
    test.recorded.reset(failing: (0, EIO))
    #expect(throws: SpoolError.self) { try test.spool.syncMemory() }
    test.recorded.reset()
    try test.spool.syncMemory()
    #expect(test.recorded.calls == ["fsync \(event.issuedHour)", "fsync ids"])
  }

  /// The sync of an unchanged folder would not touch the disk.
  @Test func everyProbeChangesTheFolderThatItSyncs() throws {
    let test = try SpoolUnderTest()
    var housekeeping = Housekeeping(of: test.spool)
    test.recorded.reset(failing: (7, EIO))
    _ = try? test.publish(try exampleEvent())
    for _ in 0..<2 {
      // open, write, fsync, lock, unlock, link, fsync of the folder
      test.recorded.reset(failing: (6, EIO))
      #expect(throws: SpoolError.self) {
        try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
      }
      #expect(test.recorded.calls.suffix(3) == ["link acme", "fsync acme", "unlink acme"])
      #expect(throws: SpoolError(.closed)) { try test.publish(try exampleEvent()) }
    }
    test.recorded.reset()
    try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
    #expect(try test.publish(try exampleEvent()) == .stored)
    #expect(test.folder.files(below: "acme").filter { $0.hasPrefix(".") } == [])
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
