package import WebhookCore

/// How long to wait before a failure is tried again: the first delay, then twice as long each time,
/// up to the longest.
package struct Backoff: Sendable {
  private let firstSeconds: Double
  private let longestSeconds: Double

  /// For an event that failed or was put off.
  package static let ofEvents = Backoff(firstSeconds: 10, longestSeconds: 3_600)
  /// For a target that takes no events.
  package static let ofTargets = Backoff(firstSeconds: 1, longestSeconds: 60)

  /// For a spool that cannot be used: it is mended by hand, and somebody waits.
  package static let ofSpools = Backoff(firstSeconds: 1, longestSeconds: 5)

  /// However long a target asks for: a day.
  package static let longestAskedSeconds: Int64 = 86_400

  /// - Parameters:
  ///   - count: how often it has failed in a row, from 1.
  ///   - jitter: 0 to 1; takes up to a quarter off the delay or adds one, so that what failed
  ///     together is not tried together.
  package func seconds(after count: Int, jitter: Double) -> Double {
    let doublings = min(max(count, 1) - 1, 20)
    return min(longestSeconds, firstSeconds * Double(1 << doublings)) * (0.75 + jitter / 2)
  }

  /// With the largest jitter.
  var longestPossibleSeconds: Int64 { Int64((longestSeconds * 1.25).rounded(.up)) }

  /// The same, as a time.
  package func time(after count: Int, from now: Timestamp, jitter: Double) -> Timestamp {
    Timestamp(seconds: now.seconds + Int64(seconds(after: count, jitter: jitter).rounded()))
  }
}
