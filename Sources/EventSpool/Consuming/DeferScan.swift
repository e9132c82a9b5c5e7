internal import WebhookCore

/// Progress of scans over one instance's `defer/` for what is due. A large folder is scanned in
/// chunks.
struct DeferScan {
  private static let longestPauseSeconds: Int64 = 10

  /// The name behind which the next chunk begins; nil: the beginning.
  private var position: String?
  /// When the earliest of what this scan has seen is due, in seconds since 1970.
  private var earliest: Int64 = .max
  private var hasFoundDue = false
  /// Nothing can be due before this time.
  private var nextScan: Int64 = 0

  /// The names of the next events that are due.
  /// - Parameter isPatient: stop after one chunk, for there will be another call.
  mutating func next(
    of consumer: EventConsumer, atMost limit: Int, now: Timestamp, isPatient: Bool
  ) throws(SpoolError) -> [String] {
    guard nextScan <= now.seconds else { return [] }
    while true {
      if position == nil { begin() }
      let names = try consumer.oldest(limit, in: .defer, after: position)
      let due = names.filter { name in isDue(name, of: consumer, now) }
      if !due.isEmpty { hasFoundDue = true }
      let isLast = names.count < limit
      position = isLast ? nil : names.last
      if isLast && !hasFoundDue {
        nextScan = min(earliest, now.seconds + Self.longestPauseSeconds)
      }
      if !due.isEmpty || isLast || isPatient { return due }
    }
  }

  private mutating func begin() {
    earliest = .max
    hasFoundDue = false
  }

  private mutating func isDue(
    _ name: String, of consumer: EventConsumer, _ now: Timestamp
  ) -> Bool {
    guard let record = consumer.record(of: name, in: .defer), !record.isDue(now) else {
      return true
    }
    earliest = min(earliest, record.nextAttempt?.seconds ?? .max)
    return false
  }
}

extension AttemptRecord {
  func isDue(_ now: Timestamp) -> Bool { (nextAttempt?.seconds ?? 0) <= now.seconds }
}
