internal import CommandLineProgram
internal import Testing

struct MomentTests {
  private static let now: Int64 = 1_790_000_000  // 2026-09-21T14:13:20Z

  @Test(arguments: [
    ("2h", now - 7_200), ("0s", now), ("2026-09-21T14:13:20Z", now), ("2026-09-21 14:13:20", now),
    ("2026-09-21T14:13", now - 20), ("2026-09-21 14:13Z", now - 20),
    ("2026-09-21", now - 51_200), ("1970-01-01", 0),
  ])
  func timeOrAgeIsRead(text: String, seconds: Int64) {
    #expect(Moment(argument: text)?.seconds(now: Self.now) == seconds)
  }

  @Test(arguments: [
    "", "Z", "2026", "2026-09", "2026-09-31", "2026-09-21T", "2026-09-21T14", "2026-09-21T24:00",
    "2026-09-21T14:13:2", "2026-09-21T14:13:20+02:00", " 2026-09-21", "2026-09-21  14:13",
    "21.09.2026", "1790000000", "yesterday", "-2h",
  ])
  func otherTextIsNoMoment(text: String) {
    #expect(Moment(argument: text) == nil)
  }
}
