internal import OpenSSLCrypto

/// The identity of an event: the SHA-256 of the signed payload's bytes, and of nothing unsigned.
package struct EventID: Hashable, Sendable {
  /// 64 lower-case hexadecimal digits.
  package let hex: String

  init(ofPayload payload: [UInt8]) {
    hex = hexadecimal(sha256(payload))
  }
}

/// Two lower-case digits a byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(
    decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
}
