internal import ServiceProcess
internal import Testing

struct DurationTests {
  @Test(arguments: [
    (Duration.zero, Int64(0), Int64(0)), (.microseconds(999), 999, 0),
    (.nanoseconds(1_999), 1, 0), (.milliseconds(1_500), 1_500_000, 1_500),
    (.seconds(86_400), 86_400_000_000, 86_400_000),
  ])
  func fractionsAreCutOff(duration: Duration, microseconds: Int64, milliseconds: Int64) {
    #expect(duration.microseconds == microseconds)
    #expect(duration.milliseconds == milliseconds)
  }
}
