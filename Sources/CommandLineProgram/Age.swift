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

  private static let units: [(seconds: Int64, name: String, symbol: String)] = [
    (86_400, "day", "d"), (3_600, "hour", "h"), (60, "minute", "min"), (1, "second", "s"),
  ]

  /// In the largest unit that says enough.
  private var amount: (count: Int64, name: String, symbol: String) {
    let unit = Self.units.first { seconds >= 2 * $0.seconds } ?? (1, "second", "s")
    return (seconds / unit.seconds, unit.name, unit.symbol)
  }

  /// `3 hours`.
  package var words: String {
    let (count, name, _) = amount
    return "\(count) \(name)\(count == 1 ? "" : "s")"
  }

  /// `3 h`, for a table.
  package var short: String { "\(amount.count) \(amount.symbol)" }
}
