/// `text` without the white space between its tokens, and otherwise byte for byte as it was: order,
/// escapes and the spelling of numbers stay. `text` must be JSON.
package func compactJSON(_ text: [UInt8]) -> [UInt8] {
  var compact: [UInt8] = []
  compact.reserveCapacity(text.count)
  var isInString = false
  var isEscaped = false
  for byte in text {
    if !isInString && isJSONWhiteSpace(byte) { continue }
    compact.append(byte)
    if isEscaped {
      isEscaped = false
    } else if byte == UInt8(ascii: "\\") {
      isEscaped = true
    } else if byte == UInt8(ascii: "\"") {
      isInString.toggle()
    }
  }
  return compact
}
