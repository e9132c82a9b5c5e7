internal import ArgumentParser

/// An age on the command line: a number and its unit.
package struct Age: ExpressibleByArgument {
  package let seconds: Int64

  /// - Parameter argument: as in `90s`, `30m`, `12h` or `7d`.
  package init?(argument: String) {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = argument.last.flatMap({ units[$0] }),
      argument.dropLast().allSatisfy(\.isNumber), let number = Int64(argument.dropLast())
    else { return nil }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    self.seconds = seconds
  }

  package init(seconds: Int64) {
    self.seconds = seconds
  }

  /// In the largest unit that says enough: `3 hours`.
  package var words: String {
    let units: [(Int64, String)] = [
      (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"),
    ]
    let (size, name) = units.first { seconds >= 2 * $0.0 } ?? (1, "second")
    let count = seconds / size
    return "\(count) \(name)\(count == 1 ? "" : "s")"
  }
}
