internal import EventSpool
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

struct SpoolSetupTests {
  private func message(in folder: String, calls: SystemCalls = SystemCalls()) throws -> String? {
    do {
      _ = try InstanceSpool.open(
        try exampleInstance().name, in: folder, minimumFreeBytes: 0, calls: calls)
      return nil
    } catch let error as SpoolSetupError {
      return error.message
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
    #expect(try message(in: folder.path)?.contains("use the version that wrote it") == true)
    #expect(folder.files(below: "acme") == ["format"])
  }

  @Test func missingSpoolIsNamedWithTheRemedy() throws {
    #expect(
      try message(in: "/nonexistent/spool")
        == "spool: /nonexistent/spool: open: No such file or directory; make the folder, owned by "
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

  /// The hours in ids/ that are left after some steps at `now`.
  private func hoursLeft(of issued: [Int64], now: Int64) throws -> Int {
    let test = try SpoolUnderTest()
    for (index, time) in issued.enumerated() {
      _ = try test.publisher.publish(try exampleEvent(id: "\(index)", issuedAt: time))
    }
    var housekeeping = Housekeeping(of: test.spool)
    for step in 0..<3 { try housekeeping.step(now: Timestamp(seconds: now + Int64(step) * 600)) }
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
    _ = try test.publisher.publish(event)
    test.recorded.reset()
    var housekeeping = Housekeeping(of: test.spool)
    try housekeeping.step(now: Timestamp(seconds: 1_790_000_000))
    #expect(test.recorded.calls.prefix(2) == ["fsync \(event.issuedHour)", "fsync ids"])
    test.recorded.reset()
    try housekeeping.step(now: Timestamp(seconds: 1_790_000_001))
    #expect(test.recorded.calls == [])
  }
}
