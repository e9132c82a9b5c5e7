internal import EventSpool
@testable internal import OperatorCommands
internal import Testing

struct DeliveryHoursTests {
  private static let first: Int64 = 1_790_000_000 / 3_600 * 3_600

  /// Of hours 0 to 5, each period as its first hour, its hours, its events and ids.
  private func periods(_ events: [(hour: Int64, id: String)]) -> [String] {
    var hours = DeliveryHours()
    for event in events {
      hours.add(
        KnownEvent(
          hour: Self.first + event.hour * 3_600, hook: nil, claimID: Array(event.id.utf8)))
    }
    return hours.periods(in: Self.first...Self.first + 5 * 3_600).map { period in
      let ids = period.ids.map { String(decoding: $0, as: UTF8.self) }
      return "\((period.start - Self.first) / 3_600)+\(period.hours) \(period.deliveries) \(ids)"
    }
  }

  @Test func emptyHoursThatFollowOneAnotherAreOnePeriod() {
    #expect(periods([]) == ["0+6 0 []"])
    #expect(
      periods([(2, "7"), (3, "8")])
        == ["0+2 0 []", #"2+1 1 ["7"]"#, #"3+1 1 ["8"]"#, "4+2 0 []"])
    #expect(periods([(0, "7"), (5, "8")]) == [#"0+1 1 ["7"]"#, "1+4 0 []", #"5+1 1 ["8"]"#])
  }

  @Test func idsAreInTheOrderOfNumbersAndEachOnce() {
    #expect(
      periods([(0, "10"), (0, "9"), (0, "100"), (0, "9")]).first == #"0+1 4 ["9", "10", "100"]"#)
  }
}
