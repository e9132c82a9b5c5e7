internal import Glibc
package import WebhookCore

/// The events of some instances in the order in which they are to be handled, the oldest first.
/// Asks the spool for many at a time, so that it takes little memory however many there are. For one
/// thread.
package struct EventQueue {
  /// What is to be done with its events.
  package enum Work: Sendable {
    /// Those that are new, that were put off until now, or whose consumer has died.
    case handling
    /// Somebody is told of those that were given up.
    case telling
  }

  /// What comes due while older events are handled is found at the next look. So there is another
  /// after some seconds, but looking takes a twentieth of the time at most; and half a percent if
  /// there is nothing to do.
  private static let timeBetweenLooks = Duration.seconds(5)
  private static let restAfterLook = 20
  private static let restIfIdle = 200
  private static let timeLeftOut = Duration.seconds(60)
  /// So many files that cannot be handled are told one by one.
  private static let mostReported = 1_000

  /// A look into a folder with a million names takes half a second, so it is for many events; each
  /// takes some 90 bytes.
  private let namesPerLook: Int
  private let work: Work
  /// The instances may change from one look to the next.
  package var consumers: [EventConsumer]
  private var looked: [Folder] = []
  private var candidates: ArraySlice<NameList.Name> = []
  /// Keeps the candidates' names.
  private var names = NameList()
  /// The youngest candidate of the last look, if that left younger ones out.
  private var cut: NameList.Name?
  private var lookAgain = SuspendingClock.now
  /// Until then, a look that nothing has caused is not worth its time.
  private var restUntil = SuspendingClock.now
  private var scans: [InstanceName: DeferScan] = [:]
  private var deadScans: [InstanceName: DeadScan] = [:]

  /// The paths of what was left out, so that it is said once.
  private var leftOut: Set<String> = []
  /// The paths of what was claimed and could not be handled or moved on, and until when it is not
  /// claimed again.
  private var stuck: [String: SuspendingClock.Instant] = [:]
  /// What was claimed, and could not go back to where it was.
  private var kept: [ClaimedEvent] = []
  /// What somebody held at the last look, and where it lay.
  private var held: [(Folder, name: String)] = []

  private struct Folder {
    let consumer: EventConsumer
    let state: EventState
  }

  package init(
    _ consumers: [EventConsumer], for work: Work = .handling, namesPerLook: Int = 200_000
  ) {
    self.consumers = consumers
    self.work = work
    self.namesPerLook = namesPerLook
  }

  /// Claims the next event.
  /// - Parameters:
  ///   - isPatient: there will be another call, so it need not look for long at what was put off,
  ///     nor often if nothing is there.
  ///   - hasNews: something may have come.
  ///   - report: told of each file that cannot be claimed, once; others do not wait for it.
  /// - Returns: nil if there is none just now.
  package mutating func next(
    now: Timestamp, isPatient: Bool, hasNews: Bool = true, report: (SpoolError) -> Void = { _ in }
  ) throws(SpoolError) -> ClaimedEvent? {
    if SuspendingClock.now < lookAgain, let event = try claimCandidate(now, report) { return event }
    if isPatient && !hasNews && SuspendingClock.now < restUntil { return nil }
    held = []
    var last: NameList.Name?
    repeat {
      // Names that nobody can claim hold up none that are younger.
      try look(now, isPatient, after: last)
      if let event = try claimCandidate(now, report) { return event }
      last = cut
    } while last != nil
    try reportHeld(report)
    return nil
  }

  private mutating func claimCandidate(
    _ now: Timestamp, _ report: (SpoolError) -> Void
  ) throws(SpoolError) -> ClaimedEvent? {
    while let candidate = candidates.popFirst() {
      let folder = looked[Int(candidate.folder)]
      guard let event = try claim(candidate, in: folder, report) else { continue }
      // Another program may have told somebody meanwhile.
      if folder.state == .dead, !event.notice.isDue(now) { continue }
      if folder.state == .defer {
        scans[folder.consumer.instance]?.forget(candidate.bytes)
        // Another consumer may have put it off again meanwhile.
        guard event.record.isDue(now) else {
          giveBack(event, report)
          continue
        }
      }
      return event
    }
    return nil
  }

  private mutating func claim(
    _ candidate: NameList.Name, in folder: Folder, _ report: (SpoolError) -> Void
  ) throws(SpoolError) -> ClaimedEvent? {
    let name = candidate.text
    let path = "\(folder.consumer.path(of: folder.state))/\(name)"
    if let end = stuck[path] {
      guard SuspendingClock.now >= end else { return nil }
      stuck[path] = nil
    }
    do throws(SpoolError) {
      // A name that is no text could not be asked for again.
      guard candidate.bytes.allSatisfy({ $0 < 0x80 }) else { throw SpoolError(.foreignName, path) }
      if let event = try folder.consumer.claim(name, in: folder.state) { return event }
      // In cur/ and dead/ it is another consumer's; elsewhere nobody's for long.
      if folder.state != .cur, folder.state != .dead, held.count < Self.mostReported,
        !leftOut.contains(path)
      {
        held.append((folder, name))
      }
    } catch  where error.concern == .event {
      leaveOut(error, report)
    }
    return nil
  }

  /// Lets go of an event that is not handled now. If it cannot go back, its lock is kept, or it would
  /// be taken for one whose consumer has died.
  private mutating func giveBack(_ event: ClaimedEvent, _ report: (SpoolError) -> Void) {
    do throws(SpoolError) {
      try event.release()
    } catch {
      kept.append(event)
      leaveOut(error, report)
    }
  }

  private mutating func giveBackKept() {
    let events = kept
    kept = []
    for event in events { giveBack(event) { _ in } }
  }

  private mutating func leaveOut(_ error: SpoolError, _ report: (SpoolError) -> Void) {
    if leftOut.count < Self.mostReported, leftOut.insert(error.path).inserted { report(error) }
  }

  /// Not to be claimed again: from `cur`, if something has become of it that could not be recorded,
  /// and would be forgotten; else for a minute, from where it came and goes back to.
  package mutating func leaveOut(_ event: ClaimedEvent) {
    if event.hasOutcome {
      stuck[event.path] = .now + .seconds(1 << 30)
    } else {
      stuck[event.originalPath] = .now + Self.timeLeftOut
      giveBack(event) { _ in }
    }
  }

  /// A consumer that claims an event moves it at once, if it has a turn. What is still where it was
  /// and locked, after a second, is held by somebody else.
  private mutating func reportHeld(_ report: (SpoolError) -> Void) throws(SpoolError) {
    for milliseconds in [20, 40, 80, 160, 320, 640] as [UInt32] where !held.isEmpty {
      usleep(milliseconds * 1_000)
      var stillHeld: [(Folder, name: String)] = []
      for (folder, name) in held {
        do throws(SpoolError) {
          guard case .somebodyElses = try folder.consumer.hold(name, in: folder.state) else {
            continue
          }
          stillHeld.append((folder, name))
        } catch  where error.concern == .event {}
      }
      held = stillHeld
    }
    for (folder, name) in held {
      let path = "\(folder.consumer.path(of: folder.state))/\(name)"
      leaveOut(SpoolError(.held, path, of: .event), report)
    }
    held = []
  }

  // MARK: Looking

  /// - Parameter last: look for names behind this one.
  private mutating func look(
    _ now: Timestamp, _ isPatient: Bool, after last: NameList.Name?
  ) throws(SpoolError) {
    let begin = SuspendingClock.now
    giveBackKept()
    let found = NameList(limit: namesPerLook)
    looked = []
    for consumer in consumers {
      switch work {
      case .handling: try lookForWaiting(of: consumer, found, now, isPatient, after: last)
      case .telling:
        try deadScans[consumer.instance, default: DeadScan()].offerDue(
          of: consumer, to: found, as: looked.count, now: now, after: last)
        looked.append(Folder(consumer: consumer, state: .dead))
      }
    }
    candidates = found.sorted()[...]
    cut = found.isCut ? candidates.last : nil
    // The old ones live until here: `last` is one of them.
    names = found
    let end = SuspendingClock.now
    restUntil = end + min((end - begin) * Self.restIfIdle, Self.timeBetweenLooks)
    lookAgain = end + max((end - begin) * Self.restAfterLook, Self.timeBetweenLooks)
  }

  private mutating func lookForWaiting(
    of consumer: EventConsumer, _ found: NameList, _ now: Timestamp, _ isPatient: Bool,
    after last: NameList.Name?
  ) throws(SpoolError) {
    for state in [EventState.new, .cur] {
      try consumer.offerNames(in: state, to: found, as: looked.count) { name in
        last.map { precedes($0.bytes, name) } ?? true
      }
      looked.append(Folder(consumer: consumer, state: state))
    }
    try scans[consumer.instance, default: DeferScan()].offerDue(
      of: consumer, to: found, as: looked.count, now: now, isPatient: isPatient, after: last)
    looked.append(Folder(consumer: consumer, state: .defer))
  }
}
