internal import ArgumentParser
internal import WebhookCore

/// A moment on the command line: a time in UTC, or how long ago.
package enum Moment: ExpressibleByArgument {
  case at(seconds: Int64)
  case ago(Age)

  /// - Parameter argument: as in `2026-11-24T17:14:10Z`, the seconds and the `Z` if they are there,
  ///   a blank in place of the `T`; as in `2026-11-24`, when the day begins; or an age.
  package init?(argument: String) {
    if let age = Age(argument: argument) {
      self = .ago(age)
      return
    }
    let midnight = "0000-00-00T00:00:00Z"
    var text = argument.replacing(" ", with: "T", maxReplacements: 1)
    if text.hasSuffix("Z") { text.removeLast() }
    guard [10, 16, 19].contains(text.utf8.count),
      let seconds = CalendarDate.seconds(rfc3339: text + midnight.dropFirst(text.count))
    else { return nil }
    self = .at(seconds: seconds)
  }

  /// Since 1970.
  package func seconds(now: Int64) -> Int64 {
    switch self {
    case .at(let seconds): seconds
    case .ago(let age): now - age.seconds
    }
  }
}
