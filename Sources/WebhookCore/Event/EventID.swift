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
    text.append(digit(byte >> 4))
    text.append(digit(byte & 0xF))
  }
  return String(decoding: text, as: UTF8.self)
}

private func digit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
