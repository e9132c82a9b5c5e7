internal import EventSpool
internal import Glibc
internal import WebhookCore

/// What a command's end means for its event.
struct RetryPolicy: Sendable {
  enum Verdict: Equatable {
    case finished
    case putOff(AttemptRecord)
    case givenUp(AttemptRecord)
  }

  let maximumAttempts: Int

  /// Exit code 0: handled. 75 (EX_TEMPFAIL): another time, not counted. 65 (EX_DATAERR): never.
  /// Anything else: counted, and tried again until there were too many.
  func verdict(
    on run: HandlerRun, after record: AttemptRecord, now: Timestamp, jitter: Double
  ) -> Verdict {
    if run.ending == .exit(EXIT_SUCCESS) { return .finished }
    var next = record
    next.ending = run.ending
    next.output = run.errorOutput
    next.lastAttempt = now
    next.nextAttempt = nil
    if run.ending == .exit(EX_TEMPFAIL) {
      next.deferrals += 1
      next.nextAttempt = Backoff.ofEvents.time(after: next.deferrals, from: now, jitter: jitter)
      return .putOff(next)
    }
    next.attempts += 1
    if run.ending == .exit(EX_DATAERR) || next.attempts >= maximumAttempts { return .givenUp(next) }
    next.nextAttempt = Backoff.ofEvents.time(after: next.attempts, from: now, jitter: jitter)
    return .putOff(next)
  }

  /// The same for a command that tells somebody that its event was given up. Exit code 0: told.
  /// Anything else: tried again, as often as it takes.
  static func notice(
    on run: HandlerRun, after notice: Notice, now: Timestamp, jitter: Double
  ) -> Notice {
    var next = notice
    next.attempts += 1
    next.ending = run.ending
    next.output = run.errorOutput
    next.lastAttempt = now
    next.nextAttempt =
      next.isTold
      ? nil : Backoff.ofEvents.time(after: next.attempts, from: now, jitter: jitter)
    return next
  }
}
