internal import ArgumentParser

/// A number of bytes on the command line and in sentences, in powers of 1000.
package struct ByteSize: ExpressibleByArgument {
  private struct Unit {
    let bytes: Int
    /// On the command line, and in a sentence.
    let letter, name: String
  }

  /// The largest first.
  private static let units = [
    Unit(bytes: 1_000_000_000_000, letter: "T", name: "TB"),
    Unit(bytes: 1_000_000_000, letter: "G", name: "GB"),
    Unit(bytes: 1_000_000, letter: "M", name: "MB"), Unit(bytes: 1_000, letter: "K", name: "kB"),
  ]

  package let bytes: Int

  package init(bytes: Int) { self.bytes = bytes }

  /// - Parameter argument: as in `500M` or `5G`; without a unit, bytes.
  package init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let letter = argument.dropFirst(digits.count)
    let unit = Self.units.first { $0.letter == letter }
    guard let number = Int(digits), letter.isEmpty || unit != nil else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.bytes ?? 1)
    guard !overflow else { return nil }
    self.bytes = bytes
  }

  /// In the largest unit of which there is one, rounded down: `84 GB`, `1.2 MB`.
  package var words: String {
    guard let unit = Self.units.first(where: { bytes >= $0.bytes }) else { return "\(bytes) B" }
    let tenths = bytes / (unit.bytes / 10)
    let number = tenths < 100 ? "\(tenths / 10).\(tenths % 10)" : "\(tenths / 10)"
    return "\(number) \(unit.name)"
  }
}
