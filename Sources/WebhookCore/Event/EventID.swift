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
  var text: [UInt8] = []
  text.reserveCapacity(2 * bytes.count)
  for byte in bytes {
    text.append(hexadecimalDigit(byte >> 4, letters: "a"))
    text.append(hexadecimalDigit(byte & 0xF, letters: "a"))
  }
  return String(decoding: text, as: UTF8.self)
}
