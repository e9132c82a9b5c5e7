package import StrictJSON

/// A date of a claim (RFC 7519 §2), floored to whole seconds since 1970-01-01T00:00:00Z:
/// 0 up to the last second of the year 9999.
package struct NumericDate: Comparable, Sendable {
  package static let latest: Int64 = 253_402_300_799  // 9999-12-31T23:59:59Z

  package let seconds: Int64

  /// Nil unless the value is a number without minus sign and exponent, in range. A fraction is cut
  /// off as text: a floating-point number would round the last instant of a second up.
  package init?(claim: JSONValue) {
    guard let spelling = claim.number else { return nil }
    let parts = spelling.split(
      separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy({ $0.allSatisfy(Self.isDigit) }), let whole = parts.first,
      let seconds = Int64(String(decoding: whole, as: UTF8.self)), seconds <= Self.latest
    else { return nil }
    self.seconds = seconds
  }

  package static func < (one: NumericDate, other: NumericDate) -> Bool {
    one.seconds < other.seconds
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
