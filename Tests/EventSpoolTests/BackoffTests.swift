internal import EventSpool
internal import Testing
internal import WebhookCore

struct BackoffTests {
  /// Leaves the delay as it is.
  private static let noJitter = 0.5

  @Test(
    arguments: [
      (1, 10), (2, 20), (3, 40), (6, 320), (9, 2_560), (10, 3_600), (13, 3_600),
      (1_000_000, 3_600), (.max, 3_600),
    ] as [(Int, Double)])
  func delayDoublesUpToAnHour(count: Int, seconds: Double) {
    #expect(Backoff.ofEvents.seconds(after: count, jitter: Self.noJitter) == seconds)
  }

  @Test(arguments: [(1, 1), (2, 2), (6, 32), (7, 60), (1_000_000, 60)] as [(Int, Double)])
  func pauseOfATargetDoublesUpToAMinute(count: Int, seconds: Double) {
    #expect(Backoff.ofTargets.seconds(after: count, jitter: Self.noJitter) == seconds)
  }

  @Test(arguments: [0, -1, Int.min])
  func countBelowOneIsTakenForTheFirst(count: Int) {
    #expect(Backoff.ofEvents.seconds(after: count, jitter: Self.noJitter) == 10)
  }

  @Test(arguments: [(0, 7.5), (0.25, 8.75), (0.5, 10), (1, 12.5)] as [(Double, Double)])
  func jitterTakesUpToAQuarterOffOrAddsOne(jitter: Double, seconds: Double) {
    #expect(Backoff.ofEvents.seconds(after: 1, jitter: jitter) == seconds)
  }

  @Test func jitterAlsoMovesTheLongestDelay() {
    #expect(Backoff.ofEvents.seconds(after: 100, jitter: 0) == 2_700)
    #expect(Backoff.ofEvents.seconds(after: 100, jitter: 1) == 4_500)
  }

  @Test(
    arguments: [(0.5, 1_790_000_010), (0, 1_790_000_008), (1, 1_790_000_013)]
      as [(Double, Int64)])
  func timeIsInWholeSeconds(jitter: Double, seconds: Int64) {
    let now = Timestamp(seconds: 1_790_000_000, milliseconds: 999)
    #expect(
      Backoff.ofEvents.time(after: 1, from: now, jitter: jitter) == Timestamp(seconds: seconds))
  }
}
