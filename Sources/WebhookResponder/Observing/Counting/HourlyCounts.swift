internal import WebhookCore

/// How many deliveries came in each of the last hours.
struct HourlyCounts {
  /// So many are shown; the newest is not over yet.
  static let hoursKept = 48

  enum Column: Hashable {
    case stored(StoredKind)
    /// - Parameter instance: nil if the web server's configuration named none.
    case refused(InstanceName?)

    var instance: InstanceName? {
      switch self {
      case .stored(let kind): kind.instance
      case .refused(let instance): instance
      }
    }
  }

  /// By the hour, counted from 1970 on.
  private(set) var hours: [Int64: [Column: Int]] = [:]

  static func hour(of seconds: Int64) -> Int64 { seconds / 3_600 }

  mutating func add(_ column: Column, at seconds: Int64) {
    let hour = Self.hour(of: seconds)
    if hours[hour] == nil { drop(before: hour - Int64(Self.hoursKept)) }
    hours[hour, default: [:]][column, default: 0] += 1
  }

  mutating func add(_ other: HourlyCounts) {
    for (hour, counts) in other.hours {
      hours[hour, default: [:]].merge(counts, uniquingKeysWith: +)
    }
  }

  mutating func keepOnly(_ isKept: (InstanceName?) -> Bool) {
    hours = hours.mapValues { $0.filter { isKept($0.key.instance) } }
  }

  private mutating func drop(before hour: Int64) { hours = hours.filter { $0.key >= hour } }
}

/// What the spool remembers of the time before this process.
struct SpoolHistory {
  private(set) var hours = HourlyCounts()
  private(set) var lastStored: [StoredKind: Timestamp] = [:]

  mutating func add(_ kind: StoredKind, at seconds: Int64, now: Timestamp) {
    lastStored[kind] = later(lastStored[kind] ?? Timestamp(seconds: 0), Timestamp(seconds: seconds))
    let age = HourlyCounts.hour(of: now.seconds) - HourlyCounts.hour(of: seconds)
    // A clock may have been wrong once: an hour of the future would take the others away.
    if (0..<Int64(HourlyCounts.hoursKept)).contains(age) { hours.add(.stored(kind), at: seconds) }
  }
}
