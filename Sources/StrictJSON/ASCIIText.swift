/// `text` with each character outside U+0020 to U+007E as `\uxxxx`, two of them for one outside the
/// basic plane (RFC 8259 §7): the same JSON, and nothing in it can steer a terminal. `text` must be
/// compact JSON, in which such characters stand in strings only.
package func asciiJSON(_ text: [UInt8]) -> [UInt8] {
  if text.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
  var ascii: [UInt8] = []
  ascii.reserveCapacity(2 * text.count)
  for unit in String(decoding: text, as: UTF8.self).utf16 {
    if (0x20...0x7E).contains(unit) {
      ascii.append(UInt8(unit))
    } else {
      let digits = String(unit, radix: 16)
      ascii.append(
        contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
    }
  }
  return ascii
}
