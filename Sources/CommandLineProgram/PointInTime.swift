internal import ArgumentParser
package import WebhookCore

/// A time on the command line: one in UTC, or how long ago it is.
package enum PointInTime: ExpressibleByArgument {
  case at(secondsSince1970: Int64)
  case ago(Age)

  /// - Parameter argument: as in `2026-11-26T18:00:00Z`, `2026-11-26` or `36h`.
  package init?(argument: String) {
    if let age = Age(argument: argument) {
      self = .ago(age)
    } else if let seconds = CalendarDate.seconds(rfc3339: argument)
      ?? CalendarDate.seconds(rfc3339: "\(argument)T00:00:00Z")
    {
      self = .at(secondsSince1970: seconds)
    } else {
      return nil
    }
  }

  /// In seconds since 1970; not before that.
  package func seconds(now: Timestamp) -> Int64 {
    switch self {
    case .at(let seconds): max(0, seconds)
    case .ago(let age): max(0, now.seconds - age.seconds)
    }
  }
}
