package import WebhookCore

/// The events of some instances in the order in which they are to be handled, the oldest first.
/// Asks the spool for some at a time, so that it takes little memory however many there are. For
/// one thread.
package struct EventQueue {
  private struct Candidate {
    let consumer: EventConsumer
    let name: String
    let state: EventState
  }

  /// A look into a folder with a million names takes most of a second, so it is for many events.
  private static let namesPerLook = 10_000

  /// The instances may change from one look to the next.
  package var consumers: [EventConsumer]
  private var candidates: ArraySlice<Candidate> = []
  private var scans: [InstanceName: DeferScan] = [:]

  /// The paths of what was left out, so that it is said once; a few.
  private var leftOut: Set<String> = []
  /// The paths of what was claimed and could not be moved on.
  private var stuck: Set<String> = []

  package init(_ consumers: [EventConsumer]) {
    self.consumers = consumers
  }

  /// Claims the next event: of those that are new, that were put off until now, or whose consumer
  /// has died.
  /// - Parameters:
  ///   - isPatient: look at some only of what was put off, for there will be another call.
  ///   - report: told of each file that cannot be claimed, once; others do not wait for it.
  /// - Returns: nil if there is none just now.
  package mutating func next(
    now: Timestamp, isPatient: Bool, report: (SpoolError) -> Void = { _ in }
  ) throws(SpoolError) -> ClaimedEvent? {
    if let found = try claimCandidate(now, report) { return found }
    // Once: what others hold is there at each look.
    candidates = try look(now, isPatient)[...]
    return try claimCandidate(now, report)
  }

  private mutating func claimCandidate(
    _ now: Timestamp, _ report: (SpoolError) -> Void
  ) throws(SpoolError) -> ClaimedEvent? {
    while let candidate = candidates.popFirst() {
      guard let event = try claim(candidate, report) else { continue }
      // Another consumer may have put it off again meanwhile.
      guard candidate.state != .defer || event.record.isDue(now) else {
        try event.release()
        continue
      }
      return event
    }
    return nil
  }

  /// Not to be claimed again from where it lies: it could not be moved on from there.
  package mutating func leaveOut(_ event: ClaimedEvent) { stuck.insert(event.path) }

  private mutating func claim(
    _ candidate: Candidate, _ report: (SpoolError) -> Void
  ) throws(SpoolError) -> ClaimedEvent? {
    if candidate.state == .cur, !stuck.isEmpty,
      stuck.contains("\(candidate.consumer.path(of: .cur))/\(candidate.name)")
    {
      return nil
    }
    do throws(SpoolError) {
      return try candidate.consumer.claim(candidate.name, in: candidate.state)
    } catch  where error.concern == .event {
      if leftOut.count < 1_000, leftOut.insert(error.path).inserted { report(error) }
      return nil
    }
  }

  private mutating func look(
    _ now: Timestamp, _ isPatient: Bool
  ) throws(SpoolError) -> [Candidate] {
    var found: [Candidate] = []
    for consumer in consumers {
      for state in [EventState.new, .cur] {
        found += try consumer.oldest(Self.namesPerLook, in: state).map {
          Candidate(consumer: consumer, name: $0, state: state)
        }
      }
      found += try scans[consumer.instance, default: DeferScan()].next(
        of: consumer, atMost: Self.namesPerLook, now: now, isPatient: isPatient
      ).map { Candidate(consumer: consumer, name: $0, state: .defer) }
    }
    // The names begin with the time.
    found.sort { $0.name < $1.name }
    // Beyond the shortest list that was cut, something older may have been left out.
    return Array(found.prefix(Self.namesPerLook))
  }
}
