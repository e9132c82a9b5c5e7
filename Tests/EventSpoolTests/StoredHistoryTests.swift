internal import EventSpool
internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

/// What a spool remembers of what was stored.
struct StoredHistoryTests {
  private struct Stored: Hashable {
    let seconds: Int64
    let kind: Hook?
  }

  private static let issued: Int64 = 1_790_000_000

  private let test: SpoolUnderTest
  private let instance: InstanceName

  init() throws {
    test = try SpoolUnderTest()
    instance = try exampleInstance().name
  }

  /// Stores an event, whose file was then written at `written`.
  /// - Returns: its file's name.
  @discardableResult
  private func store(
    id: String = "212", kind: String = "export", status: String = "done", issuedAt: Int64 = issued,
    written: Int64
  ) throws -> String {
    let event = try exampleEvent(id: id, kind: kind, status: status, issuedAt: issuedAt)
    #expect(try test.publish(event) == .stored)
    let times = [
      timespec(tv_sec: Int(written), tv_nsec: 0), timespec(tv_sec: Int(written), tv_nsec: 0),
    ]
    let path = "\(test.folder.path)/acme/new/\(event.fileName)"
    #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
    return "\(event.fileName)"
  }

  private func history(before: Int64 = .max / 2) throws -> [Stored] {
    var all: [Stored] = []
    try SpoolReader(path: test.folder.path).forEachStored(
      of: instance, before: Timestamp(seconds: before)
    ) { seconds, kind in
      all.append(Stored(seconds: seconds, kind: kind))
    }
    return all
  }

  @Test func spoolThatHasStoredNothingRemembersNothing() throws {
    #expect(try history() == [])
    _ = try FileManager.default.removeItem(atPath: "\(test.folder.path)/acme/ids")
    #expect(try history() == [])
  }

  @Test func eventsOfEveryKindAreTold() throws {
    for (index, hook) in Hook.allCases.enumerated() {
      try store(kind: hook.kind, status: hook.status, written: Self.issued + Int64(index))
    }
    try store(kind: "report", written: Self.issued + 9)
    let expected = Hook.allCases.enumerated().map {
      Stored(seconds: Self.issued + Int64($0.offset), kind: $0.element)
    }
    #expect(Set(try history()) == Set(expected + [Stored(seconds: Self.issued + 9, kind: nil)]))
    #expect(try history().count == 4)
  }

  @Test(arguments: ["cur", "defer", "dead", "done/2026-09-21", "nowhere"])
  func eventIsToldWhateverHasBecomeOfIt(place: String) throws {
    let name = try store(written: Self.issued + 5)
    try test.folder.makeFolder("acme/\(place)")
    let path = "\(test.folder.path)/acme"
    #expect(rename("\(path)/new/\(name)", "\(path)/\(place)/\(name)") == 0)
    if place == "nowhere" { #expect(unlink("\(path)/\(place)/\(name)") == 0) }
    #expect(try history() == [Stored(seconds: Self.issued + 5, kind: .exportComplete)])
  }

  /// A process counts from its start on by itself.
  @Test func whatWasWrittenLaterIsLeftOut() throws {
    try store(id: "1", written: Self.issued + 5)
    try store(id: "2", written: Self.issued + 6)
    try store(id: "3", written: Self.issued + 7)
    #expect(try history(before: Self.issued + 6).map(\.seconds) == [Self.issued + 5])
  }

  @Test func newestHourComesFirst() throws {
    for hour in 0..<5 as Range<Int64> {
      let time = Self.issued + hour * 3_600
      try store(issuedAt: time, written: time)
    }
    let expected = (0..<5).reversed().map { Self.issued + $0 * 3_600 }
    #expect(try history().map(\.seconds) == expected)
  }

  @Test func whatIsNoEventIsPassedOver() throws {
    try store(written: Self.issued)
    let ids = "\(test.folder.path)/acme/ids"
    let hour = try #require(try FileManager.default.contentsOfDirectory(atPath: ids).first)
    let event = try #require(test.folder.files(below: "acme/ids").first)
    try test.folder.write("{".utf8, to: "acme/ids/\(hour)/rubbish")
    try test.folder.write([], to: "acme/ids/\(hour)/empty")
    try test.folder.write(
      [UInt8](repeating: 0x20, count: 2 << 20), to: "acme/ids/\(hour)/long")
    try test.folder.write("x".utf8, to: "acme/ids/no-hour")
    try test.folder.makeFolder("acme/ids/\(hour)/folder")
    #expect(mkfifo("\(ids)/\(hour)/pipe", 0o600) == 0)
    #expect(symlink("../\(event)", "\(ids)/\(hour)/link") == 0)
    #expect(symlink("nowhere", "\(ids)/20260921T99") == 0)
    #expect(try history() == [Stored(seconds: Self.issued, kind: .exportComplete)])
  }

  @Test func memoryThatCannotBeReadIsAnError() throws {
    let ids = "\(test.folder.path)/acme/ids"
    _ = try FileManager.default.removeItem(atPath: ids)
    #expect(symlink("ids", ids) == 0)
    let error = #expect(throws: SpoolError.self) { try history() }
    #expect(error?.errno == ELOOP)
  }
}
