internal import CommandLineProgram
internal import Testing
internal import WebhookCore

struct PointInTimeTests {
  private static let now = Timestamp(seconds: 1_790_000_000)

  @Test(arguments: [
    ("2026-09-21T14:13:20Z", Int64(1_790_000_000)), ("2026-09-21", 1_789_948_800),
    ("90s", 1_789_999_910), ("2d", 1_789_827_200), ("99999d", 0), ("1960-01-01", 0),
  ])
  func timeOrAgeIsRead(text: String, seconds: Int64) {
    #expect(PointInTime(argument: text)?.seconds(now: Self.now) == seconds)
  }

  @Test(arguments: [
    "", "2026-09-31", "2026-09-21T14:13Z", "2026-09-21T14:13:20", "yesterday", "-1d",
  ])
  func otherTextIsNoTime(text: String) {
    #expect(PointInTime(argument: text) == nil)
  }
}
