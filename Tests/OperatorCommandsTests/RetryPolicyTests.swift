internal import EventSpool
internal import Glibc
@testable internal import OperatorCommands
internal import Testing
internal import WebhookCore

struct RetryPolicyTests {
  private static let now = Timestamp(seconds: 1_790_000_000, milliseconds: 42)

  private func record(attempts: Int = 0, deferrals: Int = 0) -> AttemptRecord {
    var record = AttemptRecord()
    (record.attempts, record.deferrals) = (attempts, deferrals)
    return record
  }

  /// The verdict with a jitter that leaves the delay as it is.
  private func verdict(
    _ ending: AttemptRecord.Ending, after record: AttemptRecord = AttemptRecord(),
    maximumAttempts: Int = 20
  ) -> RetryPolicy.Verdict {
    RetryPolicy(maximumAttempts: maximumAttempts).verdict(
      on: HandlerRun(ending: ending, errorOutput: "said", cutBytes: 0, wasStopped: false),
      after: record,
      now: Self.now, jitter: 0.5)
  }

  /// The record of a handling that ended so.
  private func kept(
    _ ending: AttemptRecord.Ending, attempts: Int, deferrals: Int, nextAfterSeconds: Int64?
  ) -> AttemptRecord {
    var record = record(attempts: attempts, deferrals: deferrals)
    record.lastAttempt = Self.now
    record.nextAttempt = nextAfterSeconds.map { Timestamp(seconds: Self.now.seconds + $0) }
    record.ending = ending
    record.output = "said"
    return record
  }

  @Test func successFinishesWhateverCameBefore() {
    #expect(verdict(.exit(0)) == .finished)
    #expect(verdict(.exit(0), after: record(attempts: 100, deferrals: 100)) == .finished)
  }

  // MARK: Telling

  @Test func onlySuccessHasToldSomebody() {
    for (code, isTold, next) in [(Int32(0), true, Int64?.none), (65, false, 10), (75, false, 10)] {
      let run = HandlerRun(
        ending: .exit(code), errorOutput: "said", cutBytes: 0, wasStopped: false)
      let notice = RetryPolicy.notice(on: run, after: Notice(), now: Self.now, jitter: 0.5)
      #expect(notice.isTold == isTold)
      #expect(notice.attempts == 1 && notice.output == "said" && notice.lastAttempt == Self.now)
      #expect(notice.nextAttempt?.seconds == next.map { Self.now.seconds + $0 })
      var record = record(attempts: 3)
      record.notice = notice
      #expect(AttemptRecord(line: record.line)?.notice?.isTold == isTold)
    }
  }

  @Test func longestDelayOfTellingIsAnHour() {
    var notice = Notice()
    let run = HandlerRun(ending: .timeLimit, errorOutput: "", cutBytes: 0, wasStopped: false)
    for _ in 0..<100 {
      notice = RetryPolicy.notice(on: run, after: notice, now: Self.now, jitter: 0.5)
    }
    #expect(notice.attempts == 100 && !notice.isTold && !notice.isDue(Self.now))
    #expect(notice.nextAttempt?.seconds == Self.now.seconds + 3_600)
    #expect(notice.isDue(Timestamp(seconds: Self.now.seconds + 3_600)))
    // A clock that jumped back.
    #expect(notice.isDue(Timestamp(seconds: Self.now.seconds - 86_400)))
  }

  // MARK: Another time

  @Test func temporaryFailureIsPutOffAndCountsAsNoAttempt() {
    #expect(
      verdict(.exit(EX_TEMPFAIL), after: record(attempts: 2))
        == .putOff(kept(.exit(75), attempts: 2, deferrals: 1, nextAfterSeconds: 10)))
  }

  @Test func temporaryFailureIsNeverTheLast() {
    #expect(
      verdict(.exit(75), after: record(attempts: 19, deferrals: 1_000), maximumAttempts: 20)
        == .putOff(kept(.exit(75), attempts: 19, deferrals: 1_001, nextAfterSeconds: 3_600)))
  }

  // MARK: Failures

  @Test(
    arguments: [
      .exit(1), .exit(64), .exit(66), .exit(74), .exit(76), .exit(255), .signal(SIGKILL),
      .signal(SIGTERM), .timeLimit,
    ] as [AttemptRecord.Ending])
  func failureIsCountedAndTriedAgain(ending: AttemptRecord.Ending) {
    #expect(
      verdict(ending) == .putOff(kept(ending, attempts: 1, deferrals: 0, nextAfterSeconds: 10)))
  }

  @Test func delayGrowsWithTheFailuresAndNotWithTheDeferrals() {
    #expect(
      verdict(.exit(1), after: record(attempts: 3, deferrals: 7))
        == .putOff(kept(.exit(1), attempts: 4, deferrals: 7, nextAfterSeconds: 80)))
  }

  @Test(arguments: [.exit(1), .signal(SIGKILL), .timeLimit] as [AttemptRecord.Ending])
  func lastAttemptIsGivenUpAndTheOneBeforeIsNot(ending: AttemptRecord.Ending) {
    #expect(
      verdict(ending, after: record(attempts: 18))
        == .putOff(kept(ending, attempts: 19, deferrals: 0, nextAfterSeconds: 3_600)))
    #expect(
      verdict(ending, after: record(attempts: 19))
        == .givenUp(kept(ending, attempts: 20, deferrals: 0, nextAfterSeconds: nil)))
    // The limit may have been lowered since.
    #expect(
      verdict(ending, after: record(attempts: 30))
        == .givenUp(kept(ending, attempts: 31, deferrals: 0, nextAfterSeconds: nil)))
  }

  @Test func onlyAttemptIsTheLast() {
    #expect(
      verdict(.exit(1), maximumAttempts: 1)
        == .givenUp(kept(.exit(1), attempts: 1, deferrals: 0, nextAfterSeconds: nil)))
  }

  @Test func dataErrorIsGivenUpAtTheFirst() {
    #expect(
      verdict(.exit(EX_DATAERR))
        == .givenUp(kept(.exit(65), attempts: 1, deferrals: 0, nextAfterSeconds: nil)))
  }
}
