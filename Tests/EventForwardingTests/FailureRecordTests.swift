@testable internal import EventForwarding
internal import EventSpool
internal import Testing
internal import WebhookCore

struct FailureRecordTests {
  private static let now = Timestamp(seconds: 1_790_000_000)

  private func failure(_ delivery: Delivery) -> Delivery.Failure? {
    if case .failed(let failure) = delivery { failure } else { nil }
  }

  private func record(
    _ delivery: Delivery, after record: AttemptRecord = AttemptRecord(), givingUp: Bool = false
  ) throws -> AttemptRecord {
    try #require(failure(delivery)).record(
      after: record, now: Self.now, givingUp: givingUp, jitter: 0.5)
  }

  @Test func refusalIsAnAttemptAndAnythingElseADeferral() throws {
    let refused = try record(.refused(.answer("400"), text: "no"))
    #expect(refused.attempts == 1 && refused.deferrals == 0)
    #expect(refused.ending == .answer("400") && refused.output == "no")
    #expect(refused.lastAttempt == Self.now)
    #expect(refused.nextAttempt == Timestamp(seconds: Self.now.seconds + 10))
    let putOff = try record(.putOff(.noAnswer, text: "", afterSeconds: 0), after: refused)
    #expect(putOff.attempts == 1 && putOff.deferrals == 1 && putOff.ending == .noAnswer)
  }

  @Test func recordTellsWhatTheTargetHadSaid() throws {
    let refused = try record(.refused(.answer("400"), text: ""))
    #expect(refused.isOfTarget)
    let putOff = try record(.putOff(.noAnswer, text: "", afterSeconds: 0))
    #expect(putOff.isOfTarget)
    var handled = AttemptRecord()
    (handled.attempts, handled.ending) = (1, .exit(1))
    #expect(!handled.isOfTarget)
  }

  @Test func whatIsGivenUpHasNoNextAttempt() throws {
    #expect(try record(.refused(.answer("400"), text: ""), givingUp: true).nextAttempt == nil)
  }

  @Test(arguments: [(Int64(0), Int64(10)), (5, 10), (120, 120), (86_400, 86_400), (.max, 86_400)])
  func targetDecidesWhenUpToADay(asked: Int64, seconds: Int64) throws {
    let next = try record(.putOff(.answer("503"), text: "", afterSeconds: asked)).nextAttempt
    #expect(next == Timestamp(seconds: Self.now.seconds + seconds))
  }

  @Test func longAnswerIsCut() throws {
    let text = String(repeating: "x", count: 10_000)
    #expect(try record(.refused(.answer("400"), text: text)).output.utf8.count == 4_096)
  }
}
