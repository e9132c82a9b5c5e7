/// base64url without padding (RFC 4648 §5, RFC 7515 §2), in its one canonical spelling.
enum Base64URL {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  private static let values: [UInt8?] = {
    var values = [UInt8?](repeating: nil, count: 256)
    for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
    return values
  }()

  /// The bytes that `text` stands for; nil if it holds padding or any other character, has an
  /// impossible length, or has unused bits at its end that are not zero: two spellings of one
  /// signature would make two tokens of one.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3 + 2)
    let values = Self.values
    var pending: UInt32 = 0
    var pendingBits = 0
    for character in text {
      guard let value = values[Int(character)] else { return nil }
      pending = pending << 6 | UInt32(value)
      pendingBits += 6
      if pendingBits >= 8 {
        pendingBits -= 8
        bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(pendingBits)))
        pending &= (1 << UInt32(pendingBits)) - 1
      }
    }
    return pending == 0 ? bytes : nil
  }

  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
    var pending: UInt32 = 0
    var pendingBits = 0
    for byte in bytes {
      pending = pending << 8 | UInt32(byte)
      pendingBits += 8
      while pendingBits >= 6 {
        pendingBits -= 6
        text.append(alphabet[Int(pending >> UInt32(pendingBits) & 0x3F)])
      }
      pending &= (1 << UInt32(pendingBits)) - 1
    }
    if pendingBits > 0 { text.append(alphabet[Int(pending << UInt32(6 - pendingBits) & 0x3F)]) }
    return text
  }
}

package func base64URL(_ bytes: [UInt8]) -> [UInt8] { Base64URL.encode(bytes) }
