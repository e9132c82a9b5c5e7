internal import EventSpool
internal import WebhookCore

extension Delivery.Failure {
  /// What is kept of an event that pays for this failure.
  /// - Parameters:
  ///   - record: of what has become of it before.
  ///   - jitter: 0 to 1, as for `Backoff`.
  func record(
    after record: AttemptRecord, now: Timestamp, givingUp: Bool, jitter: Double
  ) -> AttemptRecord {
    var next = record
    next.ending = ending
    next.output = String(
      decoding: text.utf8.prefix(AttemptRecord.maximumOutputBytes), as: UTF8.self)
    next.lastAttempt = now
    if isRefusal { next.attempts += 1 } else { next.deferrals += 1 }
    let count = isRefusal ? next.attempts : next.deferrals
    next.nextAttempt = givingUp ? nil : time(after: count, now, jitter)
    return next
  }

  /// Not before the target said, but a day at most.
  private func time(after count: Int, _ now: Timestamp, _ jitter: Double) -> Timestamp {
    let asked = now.seconds + min(afterSeconds, Backoff.longestAskedSeconds)
    let ours = Backoff.ofEvents.time(after: count, from: now, jitter: jitter)
    return Timestamp(seconds: max(asked, ours.seconds))
  }
}

extension AttemptRecord {
  /// Whether a target's answer, or none, put the event off.
  var isOfTarget: Bool {
    switch ending {
    case .answer, .noAnswer: true
    default: false
    }
  }
}
