/// How a service is, as its status page says it.
package enum Verdict: String, Comparable, Sendable {
  case well, attention, failing

  /// The worse is the greater.
  package static func < (one: Verdict, other: Verdict) -> Bool { one.rank < other.rank }

  private var rank: Int {
    switch self {
    case .well: 0
    case .attention: 1
    case .failing: 2
    }
  }
}

/// The subject of a finding, if a monitor may have limits of its own for it.
package enum WatchedSubject: String, Sendable {
  /// How long an event has waited.
  case waiting
  /// How many events were given up.
  case dead
}

/// From here on an event has waited for too long.
package let longestWaitSeconds: Int64 = 86_400
