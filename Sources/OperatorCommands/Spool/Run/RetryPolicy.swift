internal import EventSpool
internal import Glibc
internal import WebhookCore

/// What a handler's end means for its event.
struct RetryPolicy: Sendable {
  enum Verdict: Equatable {
    case finished
    case putOff(AttemptRecord)
    case givenUp(AttemptRecord)
  }

  private static let firstDelaySeconds: Int64 = 10
  private static let longestDelaySeconds: Int64 = 3_600

  let maximumAttempts: Int

  /// Exit code 0: handled. 75 (EX_TEMPFAIL): another time, not counted. 65 (EX_DATAERR): never.
  /// Anything else: counted, and tried again until there were too many.
  /// - Parameter jitter: 0 to 1; takes up to a quarter off the delay or adds one, so that what failed
  ///   together is not tried together.
  func verdict(
    on run: Handler.Run, after record: AttemptRecord, now: Timestamp, jitter: Double
  ) -> Verdict {
    if run.ending == .exit(EXIT_SUCCESS) { return .finished }
    var next = record
    next.ending = run.ending
    next.errorOutput = run.errorOutput
    next.lastAttempt = now
    next.nextAttempt = nil
    if run.ending == .exit(EX_TEMPFAIL) {
      next.deferrals += 1
      next.nextAttempt = Self.time(after: next.deferrals, now, jitter)
      return .putOff(next)
    }
    next.attempts += 1
    if run.ending == .exit(EX_DATAERR) || next.attempts >= maximumAttempts { return .givenUp(next) }
    next.nextAttempt = Self.time(after: next.attempts, now, jitter)
    return .putOff(next)
  }

  /// Twice as long after each, up to an hour.
  private static func time(after count: Int, _ now: Timestamp, _ jitter: Double) -> Timestamp {
    let delay = min(longestDelaySeconds, firstDelaySeconds << min(Int64(count - 1), 20))
    let seconds = Double(delay) * (0.75 + jitter / 2)
    return Timestamp(seconds: now.seconds + Int64(seconds.rounded()))
  }
}
