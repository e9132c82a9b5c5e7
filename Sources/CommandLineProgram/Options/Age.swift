internal import ArgumentParser

/// An age on the command line: a number and its unit.
package struct Age: ExpressibleByArgument {
  private struct Unit {
    let seconds: Int64
    /// On the command line.
    let letter: Character
    /// In a sentence, and in a table.
    let name, symbol: String
  }

  private static let second = Unit(seconds: 1, letter: "s", name: "second", symbol: "s")
  /// The largest first.
  private static let units = [
    Unit(seconds: 86_400, letter: "d", name: "day", symbol: "d"),
    Unit(seconds: 3_600, letter: "h", name: "hour", symbol: "h"),
    Unit(seconds: 60, letter: "m", name: "minute", symbol: "min"), second,
  ]

  package let seconds: Int64

  /// - Parameter argument: as in `90s`, `30m`, `12h` or `7d`.
  package init?(argument: String) {
    guard let unit = Self.units.first(where: { $0.letter == argument.last })?.seconds,
      argument.dropLast().allSatisfy(\.isNumber), let number = Int64(argument.dropLast())
    else { return nil }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    self.seconds = seconds
  }

  package init(seconds: Int64) {
    self.seconds = seconds
  }

  /// As on the command line.
  package var defaultValueDescription: String {
    let unit = Self.units.first { seconds % $0.seconds == 0 } ?? Self.second
    return "\(seconds / unit.seconds)\(unit.letter)"
  }

  /// In the largest unit that says enough.
  private var amount: (count: Int64, unit: Unit) {
    let unit = Self.units.first { seconds >= 2 * $0.seconds } ?? Self.second
    return (seconds / unit.seconds, unit)
  }

  /// `3 hours`.
  package var words: String {
    let (count, unit) = amount
    return "\(count) \(unit.name)\(count == 1 ? "" : "s")"
  }

  /// `3 h`, for a table.
  package var short: String { "\(amount.count) \(amount.unit.symbol)" }
}
