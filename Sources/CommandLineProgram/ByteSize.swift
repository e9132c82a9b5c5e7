internal import ArgumentParser

/// A number of bytes on the command line and in sentences, in powers of 1024.
package struct ByteSize: ExpressibleByArgument {
  private static let units = [("", 0), ("K", 10), ("M", 20), ("G", 30), ("T", 40)]

  package let bytes: Int

  package init(bytes: Int) { self.bytes = bytes }

  /// - Parameter argument: as in `500M` or `5G`; without a unit, bytes.
  package init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits),
      let (_, shift) = Self.units.first(where: { $0.0 == argument.dropFirst(digits.count) })
    else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow else { return nil }
    self.bytes = bytes
  }

  /// In the largest unit that says enough: `78 GiB`.
  package var words: String {
    let (name, shift) = Self.units.last { bytes >= 2 << $0.1 } ?? Self.units[0]
    return "\(bytes >> shift) " + (name.isEmpty ? "bytes" : "\(name)iB")
  }
}
