@testable internal import EventSpool
internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

/// Refused requests that are kept.
struct RefusedRequestsTests {
  private static let now: Int64 = 1_790_000_000  // 2026-09-21T14:13:20Z

  private let folder: TemporaryFolder
  private let requests: RefusedRequests
  private let instance: InstanceName

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("acme/new")
    requests = RefusedRequests(inSpool: folder.path)
    instance = try exampleInstance().name
  }

  private func name(
    _ reason: Refusal.Reason = .badSignature, at seconds: Int64 = now, number: UInt16 = 0x00AB,
    isBeside: Bool = false
  ) -> RefusedRequestName {
    RefusedRequestName(
      instance: isBeside ? nil : instance, reason, at: Timestamp(seconds: seconds), number: number)
  }

  private func keep(
    _ name: RefusedRequestName, _ text: String = "text", newest: Int = 100, minimum: Int = 0,
    now: Int64? = nil
  ) throws {
    try requests.keep(
      Array(text.utf8), as: name, newest: newest, minimumFreeBytes: minimum,
      now: Timestamp(seconds: now ?? name.seconds))
  }

  private var kept: [String] { folder.files(below: "acme/refused") }

  // MARK: Keeping

  @Test func keptRequestIsAFileForItsOwnerAlone() throws {
    try keep(name(), "GET / HTTP/1.1\r\n\r\n")
    #expect(kept == ["20260921T141320Z-bad-signature-00ab.http"])
    #expect(RefusedRequests.path(of: name()) == "acme/refused/\(kept[0])")
    #expect(folder.text(of: RefusedRequests.path(of: name())) == "GET / HTTP/1.1\r\n\r\n")
    var status = stat()
    #expect(stat("\(folder.path)/acme/refused/\(kept[0])", &status) == 0)
    #expect(status.st_mode == S_IFREG | 0o600)
    #expect(try requests.contents(of: name()) == Array("GET / HTTP/1.1\r\n\r\n".utf8))
  }

  @Test func onesWithoutAnInstanceLieBesideTheInstances() throws {
    let name = name(.misconfigured, isBeside: true)
    try keep(name)
    #expect(RefusedRequests.path(of: name) == "_refused/20260921T141320Z-misconfigured-00ab.http")
    #expect(folder.files(below: "_refused").count == 1)
    #expect(kept == [])
    // No instance is called so.
    #expect(try SpoolReader(path: folder.path).instances() == [instance])
  }

  /// A clock was ahead when the first was kept: it does not take the place of those that come later.
  @Test func oneOfTheFutureIsTheOldest() throws {
    try keep(name(at: Self.now + 7_200))
    try keep(name(at: Self.now), newest: 2)
    try keep(name(at: Self.now + 1), newest: 2)
    #expect(kept.map { $0.prefix(16) } == ["20260921T141320Z", "20260921T141321Z"])
  }

  @Test func newestOfEachCodeWordStay() throws {
    for second in 0..<5 as Range<Int64> {
      try keep(name(at: Self.now + second), newest: 3)
      try keep(name(.stale, at: Self.now + second), newest: 2)
      try keep(name(.misconfigured, at: Self.now + second, isBeside: true), newest: 1)
    }
    #expect(
      kept.map { $0.prefix(30) } == [
        "20260921T141322Z-bad-signature", "20260921T141323Z-bad-signature",
        "20260921T141323Z-stale-00ab.ht", "20260921T141324Z-bad-signature",
        "20260921T141324Z-stale-00ab.ht",
      ])
    #expect(folder.files(below: "_refused").map { $0.prefix(16) } == ["20260921T141324Z"])
    // A smaller number takes the others away with the next.
    try keep(name(at: Self.now + 9), newest: 1)
    #expect(
      kept.filter { $0.contains("bad-signature") }.map { $0.prefix(16) } == ["20260921T141329Z"])
    #expect(kept.count { $0.contains("stale") } == 2)
  }

  /// Another process may have kept it.
  @Test func oneOfACodeWordAndSecondIsEnough() throws {
    try keep(name(number: 1))
    try keep(name(number: 2))
    #expect(kept == ["20260921T141320Z-bad-signature-0001.http"])
    try keep(name(.stale, number: 2))
    try keep(name(at: Self.now + 1, number: 2))
    #expect(kept.count == 3)
  }

  @Test func nothingIsKeptBelowTheMinimum() throws {
    let error = #expect(throws: SpoolError.self) { try keep(name(), minimum: .max) }
    #expect(error?.cause == .belowMinimum(bytes: .max))
    #expect(kept == [])
    // The control.
    try keep(name(), minimum: 1)
    #expect(kept.count == 1)
  }

  @Test func spoolOrInstanceThatIsAwayIsNotMade() throws {
    #expect(rename("\(folder.path)/acme", "\(folder.path)/aside") == 0)
    #expect(throws: SpoolError.self) { try keep(name()) }
    #expect(FileManager.default.fileExists(atPath: "\(folder.path)/acme") == false)
  }

  // MARK: Removing

  @Test func oldOnesAreRemovedOfAllInstances() throws {
    let old = Self.now - RefusedRequests.secondsKept - 1
    try folder.makeFolder("other/new")
    let foreign = RefusedRequestName(
      instance: InstanceName("other"), .stale, at: Timestamp(seconds: old), number: 1)
    try keep(foreign, now: old)
    try keep(name(at: old), now: old)
    try keep(name(at: old + 1), now: old)
    try keep(name(.misconfigured, at: old, isBeside: true), now: old)
    try requests.removeOld(now: Timestamp(seconds: Self.now))
    #expect(kept == ["20260914T141320Z-bad-signature-00ab.http"])
    #expect(folder.files(below: "other/refused") == [])
    #expect(folder.files(below: "_refused") == [])
  }

  @Test func keepingRemovesOldOnesToo() throws {
    let old = Self.now - RefusedRequests.secondsKept - 1
    try keep(name(.stale, at: old), now: old)
    try keep(name())
    #expect(kept == ["20260921T141320Z-bad-signature-00ab.http"])
  }

  @Test func folderThatCannotBeReadKeepsNoOtherFromBeingCleared() throws {
    let old = Self.now - RefusedRequests.secondsKept - 1
    try keep(name(at: old), now: old)
    // Sorts before it.
    try folder.makeFolder("aaa/new")
    #expect(symlink("refused", "\(folder.path)/aaa/refused") == 0)
    let error = #expect(throws: SpoolError.self) {
      try requests.removeOld(now: Timestamp(seconds: Self.now))
    }
    #expect(error?.errno == ELOOP)
    #expect(kept == [])
  }

  @Test func filesOfOthersAreLeftAlone() throws {
    let foreign = [
      "notes.txt", "20200101T000000Z-stale-0001.http.bak", ".20200101T000000Z-stale-0001.http",
      "20200101T000000Z-stale.http", "20200132T000000Z-stale-0001.http",
      "20200101T000000Z-stale-0001-bis-http",
    ]
    for file in foreign { try folder.write("mine".utf8, to: "acme/refused/\(file)") }
    try keep(name(), newest: 1)
    try keep(name(at: Self.now + 1), newest: 1)
    try requests.removeOld(now: Timestamp(seconds: Self.now + 1_000_000_000))
    #expect(kept.sorted() == foreign.sorted())
  }

  /// What a link points to is nobody's to show or to remove.
  @Test func linkIsNotFollowed() throws {
    let secret = try folder.write("secret".utf8, to: "secret")
    try folder.makeFolder("acme/refused")
    let old = name(at: Self.now - RefusedRequests.secondsKept - 1)
    #expect(symlink(secret, "\(folder.path)/acme/refused/\(old.fileName)") == 0)
    let error = #expect(throws: SpoolError.self) { try requests.contents(of: old) }
    #expect(error?.errno == ELOOP)
    try requests.removeOld(now: Timestamp(seconds: Self.now))
    #expect(kept == [])
    #expect(folder.text(of: "secret") == "secret")
  }

  // MARK: Looking

  @Test func newestIsFoundByCodeWordAndInstance() throws {
    let later = Timestamp(seconds: Self.now + 10)
    #expect(try requests.newestFirst(of: [instance, nil], codeWord: nil, now: later).first == nil)
    try keep(name(at: Self.now))
    try keep(name(.stale, at: Self.now + 1))
    try keep(name(.misconfigured, at: Self.now + 2, isBeside: true))
    #expect(
      try requests.newestFirst(of: [instance, nil], codeWord: nil, now: later).first?.codeWord
        == "misconfigured")
    #expect(
      try requests.newestFirst(of: [instance], codeWord: nil, now: later).first?.codeWord == "stale"
    )
    #expect(
      try requests.newestFirst(of: [instance, nil], codeWord: "bad-signature", now: later).first
        == name())
    #expect(
      try requests.newestFirst(of: [instance, nil], codeWord: "future", now: later).first == nil)
    #expect(
      try requests.newestFirst(of: [InstanceName("away"), nil], codeWord: "stale", now: later).first
        == nil)
  }

  // MARK: Names

  @Test(arguments: Refusal.Reason.allCases)
  func nameIsReadBack(reason: Refusal.Reason) throws {
    for number in [0, 0x0F, 0xABC, UInt16.max] {
      let name = name(reason, number: number)
      #expect(RefusedRequestName(parsing: name.fileName, of: instance) == name)
      #expect(name.codeWord == reason.codeWord)
      #expect(name.fileName.hasSuffix(".http"))
    }
  }

  @Test(
    arguments: [
      "", "-", "--", "---.http", ".http", "20260921T141320Z", "20260921T141320Z-stale",
      "20260921T141320Z-stale-0001", "20260921T141320Z-stale-0001.HTTP",
      "20260921T141320Z-stale-0001.http\n", "20260921T141320-stale-0001.http",
      "20260231T000000Z-stale-0001.http", "+0260921T141320Z-stale-0001.http",
      "2026-09-21T14:13:20Z-stale-0001.http", "\u{662}0260921T141320Z-stale-0001.http",
      "99999999T999999Z-stale-0001.http", "20260921T141320Z-stale.http",
      "../20260921T141320Z-stale-0001.http", "20260921T141320Z--0001.http",
      "20260921T141320Z-stale--0001.http", "20260921T141320Z-stale-.http",
      "20260921T141320Z-stale-001.http", "20260921T141320Z-stale-00g1.http",
      "20260921T141320Z-stale-00AB.http", "20260921T141320Z-stale-00001.http",
      "20260921T141320Z-<b>-0001.http", "20260921T141320Z-stale-0001 .http",
      "20260921T141320Z-STALE-0001.http", "20260921T141320Z-st\u{e4}le-0001.http",
    ])
  func otherNameIsNoKeptRequests(name: String) {
    #expect(RefusedRequestName(parsing: name, of: instance) == nil)
  }
}
