/// `bytes` as a string attribute of CloudEvents 1.0.2 (§3.1): everything outside printable ASCII,
/// and `%` itself, percent-encoded; cut to at most `maxBytes`, never inside an encoded byte.
func contextAttribute(_ bytes: [UInt8], maxBytes: Int) -> [UInt8] {
  let digits = Array("0123456789ABCDEF".utf8)
  let percent = UInt8(ascii: "%")
  var text: [UInt8] = []
  for byte in bytes {
    let isPlain = (0x20...0x7E).contains(byte) && byte != percent
    let encoded = isPlain ? [byte] : [percent, digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
    guard text.count + encoded.count <= maxBytes else { break }
    text += encoded
  }
  return text
}
