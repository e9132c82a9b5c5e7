internal import EventSpool
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The order in which events are claimed, and what does not hold it up.
struct EventQueueTests {
  private static let now = Timestamp(seconds: 1_790_000_000)

  private let folder: TemporaryFolder
  private let recorded = RecordedCalls()
  private let consumer: EventConsumer

  init() throws {
    folder = try TemporaryFolder()
    for state in EventState.allCases { try folder.makeFolder("acme/\(state.rawValue)") }
    try folder.write("1\n".utf8, to: "acme/format")
    consumer = try EventConsumer(
      of: try exampleInstance().name, in: folder.path,
      calls: recorded.systemCalls(isOnBtrfs: false))
  }

  private func name(_ number: Int) -> String {
    let digits = String(number)
    let padded = String(repeating: "0", count: 6 - digits.count) + digits
    return "20260921T\(padded)Z-scan-done-\(number)-\(String(repeating: "a", count: 32)).json"
  }

  @discardableResult
  private func add(_ numbers: some Sequence<Int>, to state: EventState = .new) throws -> [String] {
    try numbers.map { number in
      try folder.write("x".utf8, to: "acme/\(state.rawValue)/\(name(number))")
      return name(number)
    }
  }

  private func putOff(_ number: Int, until next: Int64, last: Int64 = now.seconds) throws {
    var record = AttemptRecord()
    record.attempts = 1
    record.ending = .exit(1)
    record.lastAttempt = Timestamp(seconds: last)
    record.nextAttempt = Timestamp(seconds: next)
    try add([number], to: .defer)
    try folder.write(record.line, to: "acme/defer/\(name(number)).state")
  }

  /// Everything that can be claimed, and finished.
  private func drain(
    _ queue: inout EventQueue, now: Timestamp = now, isPatient: Bool = false,
    report: (SpoolError) -> Void = { _ in }
  ) throws -> [String] {
    var names: [String] = []
    while let event = try queue.next(now: now, isPatient: isPatient, report: report) {
      names.append(event.fileName)
      try event.finish(now: now)
    }
    return names
  }

  // MARK: Order

  @Test(arguments: [1, 3, 10, 100])
  func oldestComesFirstHoweverManyALookFinds(namesPerLook: Int) throws {
    let names = try add((0..<25).shuffled()).sorted()
    var queue = EventQueue([consumer], namesPerLook: namesPerLook)
    #expect(try drain(&queue) == names)
  }

  @Test func eventsOfAllFoldersComeInOneOrder() throws {
    try add([1, 4])
    try add([0], to: .cur)
    try putOff(2, until: Self.now.seconds - 1)
    try putOff(3, until: Self.now.seconds + 60)
    var queue = EventQueue([consumer])
    #expect(try drain(&queue) == [0, 1, 2, 4].map(name))
  }

  /// It was due when the queue looked.
  @Test func eventThatAnotherConsumerHasPutOffMeanwhileIsNotDue() throws {
    try putOff(0, until: Self.now.seconds - 1)
    try putOff(1, until: Self.now.seconds - 1)
    var queue = EventQueue([consumer])
    let first = try #require(try queue.next(now: Self.now, isPatient: true))
    #expect(first.fileName == name(0))
    try first.finish(now: Self.now)
    try putOff(1, until: Self.now.seconds + 60)
    #expect(try queue.next(now: Self.now, isPatient: true) == nil)
    #expect(folder.files(below: "acme/defer").contains(name(1)))
    let later = Timestamp(seconds: Self.now.seconds + 60)
    #expect(try drain(&queue, now: later) == [name(1)])
  }

  // MARK: What does not hold it up

  /// More files that nobody can claim than one look finds.
  @Test func filesThatCannotBeClaimedHoldUpNoneThatAreYounger() throws {
    for number in 0..<50 { symlink("nowhere", "\(folder.path)/acme/new/\(name(number))") }
    let names = try add([60, 61])
    var queue = EventQueue([consumer], namesPerLook: 10)
    var reported: [SpoolError] = []
    #expect(try drain(&queue) { reported.append($0) } == names)
    #expect(reported.count == 50 && reported.allSatisfy { $0.cause == .noPlainFile })
    // Each is told once.
    #expect(try drain(&queue) { reported.append($0) } == [])
    #expect(reported.count == 50)
  }

  /// The same of files that were put off.
  @Test func filesThatCannotBeClaimedInDeferHoldUpNoneThatAreYounger() throws {
    for number in 0..<50 { symlink("nowhere", "\(folder.path)/acme/defer/\(name(number))") }
    try putOff(60, until: Self.now.seconds - 1)
    let names = try add([61])
    var queue = EventQueue([consumer], namesPerLook: 10)
    var reported: [SpoolError] = []
    #expect(try drain(&queue) { reported.append($0) } == [name(60)] + names)
    #expect(reported.count == 50 && reported.allSatisfy { $0.cause == .noPlainFile })
  }

  /// An event that could not go back lies in `cur`, and is no other consumer's. It goes back as soon
  /// as it can, and nothing has become of it.
  @Test func eventThatCannotGoBackIsKeptUntilItCan() throws {
    try add([0])
    var queue = EventQueue([consumer])
    func leaveOutWhatIsNext() throws {
      let event = try #require(try queue.next(now: Self.now, isPatient: false))
      #expect(event.fileName == name(0))
      try folder.makeFolder("acme/new/\(name(0))")
      queue.leaveOut(event)
    }
    try leaveOutWhatIsNext()
    let other = try EventConsumer(of: try exampleInstance().name, in: folder.path)
    for _ in 0..<2 {
      #expect(try drain(&queue) == [])
      var others = EventQueue([other])
      #expect(try drain(&others) == [])
      #expect(folder.files(below: "acme/cur") == [name(0)])
    }
    rmdir("\(folder.path)/acme/new/\(name(0))")
    #expect(try drain(&queue) == [])
    #expect(folder.files(below: "acme/new") == [name(0)])
    var others = EventQueue([other])
    let again = try #require(try others.next(now: Self.now, isPatient: false))
    #expect(again.fileName == name(0) && !again.wasInHand && again.record.attempts == 0)
  }

  @Test func nameThatIsNoTextIsReported() throws {
    let bytes = Array("\(folder.path)/acme/new/".utf8) + [0xFF] + Array(".json".utf8)
    let file = (bytes + [0]).withUnsafeBytes {
      open($0.assumingMemoryBound(to: CChar.self).baseAddress!, O_CREAT | O_WRONLY, 0o600)
    }
    close(file)
    let names = try add([1])
    var queue = EventQueue([consumer])
    var reported: [SpoolError] = []
    #expect(try drain(&queue) { reported.append($0) } == names)
    #expect(reported.map(\.cause) == [.foreignName])
  }

  @Test func eventThatSomebodyHoldsIsReportedWhereNoConsumerHoldsOne() throws {
    let names = try add([0, 1])
    let held = open("\(folder.path)/acme/new/\(names[0])", O_RDONLY | O_CLOEXEC)
    #expect(flock(held, LOCK_EX) == 0)
    try add([2], to: .cur)
    let running = open("\(folder.path)/acme/cur/\(name(2))", O_RDONLY | O_CLOEXEC)
    #expect(flock(running, LOCK_EX) == 0)
    var queue = EventQueue([consumer])
    var reported: [SpoolError] = []
    #expect(try drain(&queue) { reported.append($0) } == [names[1]])
    #expect(reported.map(\.cause) == [.held])
    #expect(reported.first?.path.hasSuffix("/new/\(names[0])") == true)
    // It was waited for, and is no longer.
    let before = recorded.calls.count
    #expect(try drain(&queue) == [])
    let tries = recorded.calls[before...].count {
      $0.hasPrefix("open") && $0.contains(names[0])
    }
    #expect(tries == 1)
    close(held)
    // A process that another test starts at this moment has the lock, too, until it runs its program.
    var freed: [String] = []
    for _ in 0..<1_000 where freed.isEmpty {
      freed = try drain(&queue)
      usleep(5_000)
    }
    #expect(freed == [names[0]])
    close(running)
  }

  // MARK: What was put off

  /// While there are more older events than a look has room for.
  @Test func eventThatIsDueBehindManyOthersIsFound() throws {
    // The folder's time is that of the real clock, and long ago beside this one.
    let later = Timestamp(seconds: Int64(time(nil)) + 100)
    try putOff(100, until: later.seconds - 1, last: later.seconds - 10)
    let names = try add(0..<70)
    var queue = EventQueue([consumer], namesPerLook: 10)
    #expect(try drain(&queue, now: later) == names + [name(100)])
  }

  /// Of many that wait, each record is read once; then nothing is, until something changes.
  @Test func recordIsReadOnce() throws {
    for number in 0..<20 { try putOff(number, until: Self.now.seconds + 1_000) }
    // The folder's time is that of the real clock, and long ago beside this one.
    let later = Timestamp(seconds: Int64(time(nil)) + 100)
    for number in 0..<20 {
      try putOff(number, until: later.seconds + 1_000, last: later.seconds - 10)
    }
    var queue = EventQueue([consumer])
    #expect(try drain(&queue, now: later) == [])
    func readRecords() -> Int {
      recorded.calls.count { $0.description.hasPrefix("open") && $0.description.contains(".state") }
    }
    #expect(readRecords() == 20)
    recorded.reset()
    #expect(try drain(&queue, now: later) == [])
    #expect(readRecords() == 0)
    try putOff(30, until: later.seconds + 1_000, last: later.seconds)
    #expect(try drain(&queue, now: later) == [])
    #expect(readRecords() == 1)
    let due = Timestamp(seconds: later.seconds + 1_000)
    #expect(try drain(&queue, now: due).count == 21)
  }

  /// A clock that was set back makes due what it had put off.
  @Test func clockThatIsSetBackMakesDue() throws {
    try putOff(0, until: Self.now.seconds + 1_000)
    var queue = EventQueue([consumer])
    #expect(try drain(&queue) == [])
    #expect(try drain(&queue, now: Timestamp(seconds: Self.now.seconds - 5)) == [name(0)])
  }

  @Test(arguments: [
    (next: Int64(-1), last: Int64(0), ending: AttemptRecord.Ending.exit(1), isDue: true),
    (60, 0, .exit(1), false), (60, 1, .exit(1), true), (4_500, 0, .exit(1), false),
    (4_501, 0, .exit(1), true), (4_500, -60, .timeLimit, true), (86_400, 0, .answer("503"), false),
    (86_400, 0, .noAnswer, false), (86_401, 0, .answer("503"), true), (4_501, 0, .lost, true),
    (4_501, 0, .signal(9), true),
  ])
  func timeIsBelievedAsFarAsTheLongestDelay(
    next: Int64, last: Int64, ending: AttemptRecord.Ending, isDue: Bool
  ) {
    var record = AttemptRecord()
    record.ending = ending
    record.lastAttempt = Timestamp(seconds: Self.now.seconds + last)
    record.nextAttempt = Timestamp(seconds: Self.now.seconds + next)
    #expect(record.isDue(Self.now) == isDue)
  }

  @Test func eventWithoutATimeIsDue() {
    #expect(AttemptRecord().isDue(Self.now))
  }

  @Test func recordThatCannotBeReadPutsNothingOff() throws {
    try add([0], to: .defer)
    try folder.write("rubbish".utf8, to: "acme/defer/\(name(0)).state")
    var queue = EventQueue([consumer])
    #expect(try drain(&queue) == [name(0)])
  }
}
