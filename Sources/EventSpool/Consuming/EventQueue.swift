package import WebhookCore

/// The events of some instances in the order in which they are to be handled, the oldest first. Asks
/// the spool for some at a time, so that it takes little memory however many there are. For one
/// thread.
package struct EventQueue {
  private struct Candidate {
    let consumer: EventConsumer
    let name: String
    let state: EventState
  }

  /// One way through an instance's `defer`, in several looks where many lie there.
  private struct Pass {
    /// Where the next look begins.
    var position: String?
    /// When something is due, in seconds since 1970, as far as it has been seen.
    var earliest: Int64
    var hasFoundDue = false
    /// Nothing is, before.
    var nextLook: Int64 = 0
  }

  /// A look into a folder with a million names takes most of a second, so it is for many events.
  private static let namesPerLook = 10_000

  /// The instances may change from one look to the next.
  package var consumers: [EventConsumer]
  private var candidates: ArraySlice<Candidate> = []
  /// The looks into `defer`, by instance.
  private var passes: [InstanceName: Pass] = [:]
  private static let longestSecondsBetweenLooks: Int64 = 10

  /// What was left out, so that it is said once; a few.
  private var leftOut: Set<String> = []
  /// The paths of what was claimed and could not be moved on.
  private var stuck: Set<String> = []

  package init(_ consumers: [EventConsumer]) {
    self.consumers = consumers
  }

  /// Claims the next event: of those that are new, that were put off until now, or whose consumer has
  /// died.
  /// - Parameters:
  ///   - isPatient: look at some only of what was put off, for there will be another call.
  ///   - report: told of each file that cannot be claimed, for others must not wait for it.
  /// - Returns: nil if there is none just now.
  package mutating func next(
    now: Timestamp, isPatient: Bool, report: (SystemError) -> Void = { _ in }
  ) throws(SystemError) -> (event: ClaimedEvent, consumer: EventConsumer)? {
    if let found = try claimCandidate(now, report) { return found }
    // Once: what others hold is there at each look.
    candidates = try look(now, isPatient)[...]
    return try claimCandidate(now, report)
  }

  private mutating func claimCandidate(
    _ now: Timestamp, _ report: (SystemError) -> Void
  ) throws(SystemError) -> (event: ClaimedEvent, consumer: EventConsumer)? {
    while let candidate = candidates.popFirst() {
      guard let event = try claim(candidate, report) else { continue }
      // Another consumer may have put it off again meanwhile.
      if candidate.state == .defer, !event.record.isDue(now) {
        try candidate.consumer.release(event)
        continue
      }
      return (event, candidate.consumer)
    }
    return nil
  }

  /// Not to be claimed again from where it lies: it could not be moved on from there.
  package mutating func leaveOut(_ event: ClaimedEvent) { stuck.insert(event.path) }

  private mutating func claim(
    _ candidate: Candidate, _ report: (SystemError) -> Void
  ) throws(SystemError) -> ClaimedEvent? {
    if candidate.state == .cur, !stuck.isEmpty,
      stuck.contains("\(candidate.consumer.path(of: .cur))/\(candidate.name)")
    {
      return nil
    }
    do throws(SystemError) {
      return try candidate.consumer.claim(candidate.name, in: candidate.state)
    } catch  where error.concernsOneFile {
      if leftOut.count < 1_000, leftOut.insert(error.path).inserted { report(error) }
      return nil
    }
  }

  private mutating func look(
    _ now: Timestamp, _ isPatient: Bool
  ) throws(SystemError) -> [Candidate] {
    var found: [Candidate] = []
    for consumer in consumers {
      for state in [EventState.new, .cur] {
        found += try consumer.oldest(Self.namesPerLook, in: state).map {
          Candidate(consumer: consumer, name: $0, state: state)
        }
      }
      found += try due(of: consumer, now, isPatient)
    }
    // The names begin with the time.
    found.sort { $0.name < $1.name }
    // Beyond the shortest list that was cut, something older may have been left out.
    return Array(found.prefix(Self.namesPerLook))
  }

  private mutating func due(
    of consumer: EventConsumer, _ now: Timestamp, _ isPatient: Bool
  ) throws(SystemError) -> [Candidate] {
    let latest = now.seconds + Self.longestSecondsBetweenLooks
    var pass = passes[consumer.instance] ?? Pass(earliest: latest)
    defer { passes[consumer.instance] = pass }
    guard pass.nextLook <= now.seconds else { return [] }
    while true {
      if pass.position == nil { pass = Pass(earliest: latest) }
      let names = try consumer.oldest(Self.namesPerLook, in: .defer, after: pass.position)
      let due = names.filter { name in
        let next = consumer.record(of: name, in: .defer)?.nextAttempt?.seconds ?? 0
        if next > now.seconds { pass.earliest = min(pass.earliest, next) }
        return next <= now.seconds
      }
      if !due.isEmpty { pass.hasFoundDue = true }
      let isLast = names.count < Self.namesPerLook
      pass.position = isLast ? nil : names.last
      if isLast && !pass.hasFoundDue { pass.nextLook = pass.earliest }
      if !due.isEmpty || isLast || isPatient {
        return due.map { Candidate(consumer: consumer, name: $0, state: .defer) }
      }
    }
  }
}

extension AttemptRecord {
  /// Without a record that can be read, it is.
  fileprivate func isDue(_ now: Timestamp) -> Bool {
    (nextAttempt?.seconds ?? 0) <= now.seconds
  }
}
