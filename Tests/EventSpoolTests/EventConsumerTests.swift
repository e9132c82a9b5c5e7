internal import EventSpool
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

/// Claims and moves, and the fate of an event if one of them fails.
struct EventConsumerTests {
  private static let now = Timestamp(seconds: 1_790_000_100)

  private let folder: TemporaryFolder
  private let recorded = RecordedCalls()
  private let settled = SettledEvents()
  private let consumer: EventConsumer
  private let event: Event
  private var name: String { event.fileName.description }

  init() throws {
    folder = try TemporaryFolder()
    event = try exampleEvent()
    try folder.write("1\n".utf8, to: "acme/format")
    try folder.write(event.line, to: "acme/new/\(event.fileName)")
    consumer = try EventConsumer(
      of: try exampleInstance().name, in: folder.path, settled: settled,
      calls: recorded.systemCalls(isOnBtrfs: false))
    recorded.reset()
  }

  private var places: [String] { folder.files(below: "acme").filter { $0 != "format" } }

  private var failedRecord: AttemptRecord {
    var record = AttemptRecord()
    record.attempts = 2
    record.deferrals = 1
    record.lastAttempt = Self.now
    record.nextAttempt = Timestamp(seconds: Self.now.seconds + 10)
    record.ending = .exit(3)
    record.output = "why \"quoted\"\n"
    return record
  }

  /// Claims an event whose lock was let go. A process that another test starts at this moment has
  /// the lock, too, until it runs its own program.
  private func claimFreed(_ state: EventState) throws -> ClaimedEvent {
    for _ in 0..<1_000 {
      if let event = try consumer.claim(name, in: state) { return event }
      usleep(5_000)
    }
    return try #require(try consumer.claim(name, in: state))
  }

  // MARK: Claims

  @Test func claimedEventIsNobodyElses() throws {
    let claimed = try #require(try consumer.claim(name, in: .new))
    #expect(places == ["cur/\(name)"])
    #expect(try claimed.contents() == event.line)
    let other = try EventConsumer(of: consumer.instance, in: folder.path)
    #expect(try other.claim(name, in: .new) == nil)
    #expect(try other.claim(name, in: .cur) == nil)
    try claimed.finish(now: Self.now)
    #expect(places == ["done/2026-09-21/\(name)"])
  }

  @Test func eventOfAConsumerThatDiedIsClaimedAgain() throws {
    do { _ = try #require(try consumer.claim(name, in: .new)) }
    #expect(places == ["cur/\(name)"])
    try claimFreed(.cur).release()
    #expect(places == ["new/\(name)"])
  }

  @Test func lockGoesWithTheDescriptor() throws {
    let duplicate: Int32
    do {
      let claimed = try #require(try consumer.claim(name, in: .new))
      duplicate = fcntl(claimed.descriptor, F_DUPFD_CLOEXEC, 0)
    }
    #expect(try consumer.claim(name, in: .cur) == nil)
    close(duplicate)
    _ = try claimFreed(.cur)
  }

  @Test func whatIsNoPlainFileIsNotClaimed() throws {
    symlink("/etc/passwd", "\(folder.path)/acme/new/link.json")
    mkfifo("\(folder.path)/acme/new/pipe.json", 0o600)
    for name in ["link.json", "pipe.json"] {
      #expect(throws: SpoolError(.noPlainFile, "\(folder.path)/acme/new/\(name)", of: .event)) {
        try consumer.claim(name, in: .new)
      }
    }
    #expect(try consumer.claim("nothing.json", in: .new) == nil)
  }

  // MARK: Records

  @Test func recordComesBackAsItWasWritten() throws {
    do {
      let claimed = try #require(try consumer.claim(name, in: .new))
      try claimed.putOff(failedRecord)
    }
    #expect(places == ["defer/\(name)", "defer/\(name).state"])
    #expect(try consumer.record(of: name, in: .defer) == failedRecord)
    do {
      let again = try claimFreed(.defer)
      #expect(again.record == failedRecord)
      try again.giveUp(failedRecord)
    }
    #expect(places == ["dead/\(name)", "dead/\(name).state"])
    try consumer.retry(name, in: .dead)
    #expect(places == ["new/\(name)"])
  }

  @Test(arguments: [
    AttemptRecord.Ending.exit(0), .exit(255), .signal(9), .timeLimit, .noEvent,
    .answer("410"), .noAnswer,
  ])
  func everyEndingComesBack(ending: AttemptRecord.Ending) {
    var record = AttemptRecord()
    record.ending = ending
    #expect(AttemptRecord(line: record.line) == record)
  }

  @Test func rubbishIsNoRecord() {
    for text in ["", "{}", "[]", #"{"attempts":1}"#, #"{"attempts":"1","deferrals":0}"#] {
      #expect(AttemptRecord(line: Array(text.utf8)) == nil)
    }
  }

  // MARK: The same event twice

  @Test func olderOfTwoStays() throws {
    let first = try #require(try consumer.claim(name, in: .new))
    try first.finish(now: Self.now)
    // The event is published a second time, after a crash.
    try folder.write(event.line, to: "acme/new/\(name)")
    let second = try #require(try consumer.claim(name, in: .new))
    try second.finish(now: Self.now)
    #expect(places == ["done/2026-09-21/\(name)"])
  }

  // MARK: Failures

  /// A consumer's handling of one event, named after its end.
  enum Course: CaseIterable {
    case finish, putOff, giveUp, release, retry, finishByHand
  }

  private func follow(_ course: Course) throws {
    guard let claimed = try consumer.claim(name, in: .new) else { return }
    switch course {
    case .finish: try claimed.finish(now: Self.now)
    case .putOff: try claimed.putOff(failedRecord)
    case .giveUp: try claimed.giveUp(failedRecord)
    case .release: try claimed.release()
    case .retry:
      try claimed.giveUp(failedRecord)
      try consumer.retry(name, in: .dead)
    case .finishByHand:
      try claimed.putOff(failedRecord)
      try consumer.finish(name, in: .defer, now: Self.now)
    }
  }

  @Test(arguments: Course.allCases)
  func callThatFailsLosesNoEvent(course: Course) throws {
    try follow(course)
    let calls = recorded.numberedCalls
    #expect(calls.count >= 2)
    for call in calls {
      let fresh = try EventConsumerTests()
      fresh.recorded.reset(failing: call)
      try? fresh.follow(course)
      #expect(fresh.recorded.numberedCalls.contains(call), "\(course), \(call)")
      let left = fresh.places.filter { $0.hasSuffix("/\(name)") }
      #expect(left.count == 1, "\(course), \(call): \(fresh.places)")
    }
  }

  /// What failed once is tried again, with the same claim: the event lands where it belongs, with
  /// its record, whichever call had failed, and is counted once.
  @Test(arguments: [Course.finish, .putOff, .giveUp, .release])
  func settlingThatFailedOnceSucceedsTheNextTime(course: Course) throws {
    func settle(_ claimed: ClaimedEvent) throws {
      switch course {
      case .putOff: try claimed.putOff(failedRecord)
      case .giveUp: try claimed.giveUp(failedRecord)
      case .release: try claimed.release()
      default: try claimed.finish(now: Self.now)
      }
    }
    // Also for an event that was put off before.
    for isDeferred in [false, true] {
      func claimed(by tests: EventConsumerTests) throws -> ClaimedEvent {
        if isDeferred {
          try #require(try tests.consumer.claim(name, in: .new)).putOff(failedRecord)
        }
        let event = try tests.claimFreed(isDeferred ? .defer : .new)
        tests.recorded.reset()
        return event
      }
      let tests = try EventConsumerTests()
      try settle(try claimed(by: tests))
      let calls = tests.recorded.numberedCalls
      let (places, counts) = (tests.places, tests.settled.counts)
      #expect(!calls.isEmpty)
      for call in calls {
        let fresh = try EventConsumerTests()
        let event = try claimed(by: fresh)
        fresh.recorded.reset(failing: call)
        do { try settle(event) } catch { try settle(event) }
        #expect(fresh.places == places, "\(course), \(call), \(isDeferred)")
        #expect(fresh.settled.counts == counts, "\(course), \(call), \(isDeferred)")
      }
    }
  }

  // MARK: Counts

  @Test func eventIsCountedByWhatHasBecomeOfIt() throws {
    var counts = SettledEvents.Counts()
    try #require(try consumer.claim(name, in: .new)).release()
    #expect(settled.counts == counts)
    try claimFreed(.new).putOff(failedRecord)
    counts.putOff = 1
    #expect(settled.counts == counts)
    try claimFreed(.defer).giveUp(failedRecord)
    counts.givenUp = [.exit: 1]
    #expect(settled.counts == counts)
    // By hand is not by this program.
    try consumer.retry(name, in: .dead)
    #expect(settled.counts == counts)
    try claimFreed(.new).giveUpAsNoEvent(now: Self.now)
    counts.givenUp[.noevent] = 1
    #expect(settled.counts == counts)
    try consumer.retry(name, in: .dead)
    try claimFreed(.new).finish(now: Self.now)
    counts.handled = 1
    #expect(settled.counts == counts)
  }

  // MARK: Folders

  @Test func consumerThatIsReadyHasAllFolders() throws {
    try consumer.requireReady()
    try consumer.requireToday(now: Self.now)
    for state in EventState.allCases { #expect(access("\(folder.path)/acme/\(state)", W_OK) == 0) }
    #expect(access("\(folder.path)/acme/done/2026-09-21", W_OK) == 0)
  }

  /// Whatever fails, nothing is claimed and nothing has moved.
  @Test func failureOfAFolderIsFoundBeforeAnythingIsClaimed() throws {
    try consumer.requireReady()
    let calls = recorded.numberedCalls
    #expect(calls.count >= 9)
    for call in calls {
      let fresh = try EventConsumerTests()
      fresh.recorded.reset(failing: call, with: call.description.hasPrefix("move") ? EXDEV : EACCES)
      let error = #expect(throws: SpoolError.self, "\(call)") { try fresh.consumer.requireReady() }
      #expect(error?.concern == .spool, "\(call)")
      #expect(fresh.places == ["new/\(name)"], "\(call)")
    }
  }

  @Test(arguments: [EIO, EUCLEAN, EBADMSG, EACCES, ESTALE])
  func failureToOpenAnEventsFileIsItsOwn(code: Int32) throws {
    recorded.reset(failing: RecordedCall("open \(name)"), with: code)
    let error = #expect(throws: SpoolError.self) { try consumer.claim(name, in: .new) }
    #expect(error?.concern == .event && error?.errno == code)
    #expect(places == ["new/\(name)"])
  }

  /// A refusal to move one name is the folder's only if the folder itself may not be written.
  @Test(arguments: [EPERM, EACCES])
  func refusedMoveIsTheEventsIfTheFoldersMayBeWritten(code: Int32) throws {
    try consumer.requireReady()
    recorded.reset(failing: "move new cur", with: code)
    let error = #expect(throws: SpoolError.self) { try consumer.claim(name, in: .new) }
    #expect(error?.concern == .event && error?.errno == code)
  }

  /// The day's folder is durable before the event moves there. Otherwise a power cut could take both.
  @Test func folderOfTheDayIsSyncedBeforeTheEventMoves() throws {
    let claimed = try #require(try consumer.claim(name, in: .new))
    recorded.reset()
    try claimed.finish(now: Self.now)
    let order = recorded.calls.filter { call in
      ["fsync", "mkdir", "move"].contains { call.hasPrefix($0) }
    }
    // The first move is of a name that is not there: it shows that the folder takes files.
    let day = "2026-09-21"
    #expect(
      order == ["mkdir done", "mkdir \(day)", "move done \(day)", "fsync done", "move cur \(day)"])
  }

  /// An event whose folder was removed is not handled: it lies where it was.
  @Test func eventThatCannotBeMovedForWantOfAFolderStays() throws {
    let targets: [(EventState, (ClaimedEvent) throws -> Void)] = [
      (.done, { try $0.finish(now: Self.now) }), (.defer, { try $0.putOff(failedRecord) }),
      (.dead, { try $0.giveUp(failedRecord) }), (.new, { try $0.release() }),
    ]
    for (state, settle) in targets {
      let fresh = try EventConsumerTests()
      try fresh.consumer.requireReady()
      let claimed = try #require(try fresh.consumer.claim(name, in: .new))
      #expect(rmdir("\(fresh.folder.path)/acme/\(state)") == 0)
      #expect(throws: SpoolError.self, "\(state)") { try settle(claimed) }
      #expect(fresh.places == ["cur/\(name)"], "\(state)")
      #expect(fresh.settled.counts == SettledEvents.Counts(), "\(state)")
    }
  }

  /// The record is durable before the event moves. Otherwise a crash could lose the attempt.
  @Test func recordIsSyncedBeforeTheEventMoves() throws {
    let claimed = try #require(try consumer.claim(name, in: .new))
    recorded.reset()
    try claimed.putOff(failedRecord)
    let order = recorded.calls.filter { call in
      ["fsync", "rename", "move"].contains { call.hasPrefix($0) }
    }
    #expect(
      order == ["fsync .\(name).state", "rename defer", "fsync defer", "move cur defer"])
  }
}
