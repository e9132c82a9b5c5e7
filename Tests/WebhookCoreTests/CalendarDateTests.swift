internal import Testing
internal import WebhookCore

struct CalendarDateTests {
  @Test(arguments: [
    (Int64(0), "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"),
    (951_782_400, "2000-02-29T00:00:00Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
    (1_598_539_392, "2020-08-27T14:43:12Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
  ])
  func secondsBecomeTheCivilDate(seconds: Int64, text: String) {
    #expect(CalendarDate(secondsSince1970: seconds).rfc3339 == text)
  }

  @Test func hourIsReadBack() {
    #expect(CalendarDate.seconds(atBasicHour: "20200827T14") == 1_598_536_800)
    // A folder or a file in the spool may have any name.
    for bad in [
      "20200827T24", "20200231T00", "2020-827T1", "20200827t14", "", "20201301T00", "-0010101T00",
      "00000101T-9", "00000100T00", "99991231T99",
    ] {
      #expect(CalendarDate.seconds(atBasicHour: bad) == nil, "\(bad)")
      #expect(CalendarDate.seconds(atBasicTime: bad + "0000Z") == nil, "\(bad)")
    }
    #expect(CalendarDate.seconds(rfc3339: "0000-01-00T00:00:00Z") == nil)
  }
}
