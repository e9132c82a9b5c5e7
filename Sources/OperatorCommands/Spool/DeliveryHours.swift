internal import EventSpool

/// The deliveries to one hook, by the hour.
struct DeliveryHours {
  /// Hours without a delivery that follow one another, or one hour with some.
  struct Period {
    /// In seconds since 1970.
    let start: Int64
    let hours: Int64
    let deliveries: Int
    /// The sender's ids, each once.
    let ids: [[UInt8]]

    var end: Int64 { start + hours * DeliveryHours.secondsPerHour }
  }

  private struct Hour {
    var deliveries = 0
    var ids = Set<[UInt8]>()
  }

  static let secondsPerHour: Int64 = 3_600

  private var busy: [Int64: Hour] = [:]

  mutating func add(_ event: KnownEvent) {
    busy[event.hour, default: Hour()].deliveries += 1
    busy[event.hour]?.ids.insert(event.claimID)
  }

  var deliveries: Int { busy.values.reduce(0) { $0 + $1.deliveries } }
  var busyHours: Int { busy.count }

  /// The oldest first.
  /// - Parameter hours: the starts of the first and the last one.
  func periods(in hours: ClosedRange<Int64>) -> [Period] {
    var periods: [Period] = []
    var next = hours.lowerBound
    func append(emptyUntil end: Int64) {
      guard next < end else { return }
      periods.append(
        Period(start: next, hours: (end - next) / Self.secondsPerHour, deliveries: 0, ids: []))
    }
    for (start, hour) in busy.sorted(by: { $0.key < $1.key }) {
      append(emptyUntil: start)
      periods.append(
        Period(
          start: start, hours: 1, deliveries: hour.deliveries,
          ids: hour.ids.sorted(by: isBefore)))
      next = start + Self.secondsPerHour
    }
    append(emptyUntil: hours.upperBound + Self.secondsPerHour)
    return periods
  }
}

/// Numbers in their order.
private func isBefore(_ one: [UInt8], _ other: [UInt8]) -> Bool {
  one.count == other.count ? one.lexicographicallyPrecedes(other) : one.count < other.count
}
