/// `bytes` as a string attribute of CloudEvents 1.0.2 (§3.1): everything outside printable ASCII,
/// and `%` itself, percent-encoded; cut to at most `maxBytes`, never inside an encoded byte.
func contextAttribute(_ bytes: [UInt8], maxBytes: Int) -> [UInt8] {
  let percent = UInt8(ascii: "%")
  var text: [UInt8] = []
  text.reserveCapacity(bytes.count)
  for byte in bytes {
    let isPlain = (0x20...0x7E).contains(byte) && byte != percent
    guard text.count + (isPlain ? 1 : 3) <= maxBytes else { break }
    if isPlain {
      text.append(byte)
    } else {
      text.append(percent)
      text.append(hexadecimalDigit(byte >> 4, letters: "A"))
      text.append(hexadecimalDigit(byte & 0xF, letters: "A"))
    }
  }
  return text
}
