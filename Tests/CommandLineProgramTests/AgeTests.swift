internal import CommandLineProgram
internal import Testing

struct AgeTests {
  @Test(arguments: [
    ("0s", Int64(0)), ("90s", 90), ("30m", 1_800), ("12h", 43_200), ("7d", 604_800),
    ("007d", 604_800), ("106751991167300d", 9_223_372_036_854_720_000),
  ])
  func numberWithItsUnitIsRead(text: String, seconds: Int64) {
    #expect(Age(argument: text)?.seconds == seconds)
  }

  @Test(arguments: [
    "", "s", "5", "5 s", "-5s", "+5s", "5w", "5S", "1.5h", "5sd", "0x5s", "٣d", "½d",
    "106751991167301d", "99999999999999999999s",
  ])
  func otherTextIsNoAge(text: String) {
    #expect(Age(argument: text) == nil)
  }

  @Test(arguments: [(Int64(10), "10s"), (90, "90s"), (5_400, "90m"), (86_400, "1d")])
  func defaultIsShownAsItWouldBePassed(seconds: Int64, text: String) {
    #expect(Age(seconds: seconds).defaultValueDescription == text)
    #expect(Age(argument: text)?.seconds == seconds)
  }

  @Test(arguments: [
    (Int64(0), "0 seconds"), (1, "1 second"), (2, "2 seconds"), (119, "119 seconds"),
    (120, "2 minutes"), (3_600, "60 minutes"), (7_199, "119 minutes"), (7_200, "2 hours"),
    (86_400, "24 hours"), (172_799, "47 hours"), (172_800, "2 days"),
    (864_000, "10 days"),
  ])
  func wordsAreInTheLargestUnitOfWhichThereAreTwo(seconds: Int64, words: String) {
    #expect(Age(seconds: seconds).words == words)
  }

  @Test(arguments: [
    (Int64(0), "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"),
    (172_800, "2 d"),
  ])
  func shortFormHasTheSameUnits(seconds: Int64, short: String) {
    #expect(Age(seconds: seconds).short == short)
  }
}
