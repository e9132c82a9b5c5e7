extension JSONValue {
  /// The value on one line, without white space between tokens, members in their order.
  package var compactText: [UInt8] { text(sorted: false) }

  /// The value in the one form that equal values share: no white space, the members of every
  /// object sorted by the bytes of their names, strings as `appendJSONString` escapes them,
  /// numbers as spelled.
  package var canonicalText: [UInt8] { text(sorted: true) }

  /// The value on one line, as `compactText` has it, and a newline.
  package var line: [UInt8] { compactText + [UInt8(ascii: "\n")] }

  private func text(sorted: Bool) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(256)
    append(to: &text, sorted: sorted)
    return text
  }

  private func append(to text: inout [UInt8], sorted: Bool) {
    switch self {
    case .null: text.append(contentsOf: "null".utf8)
    case .boolean(let value): text.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let spelling): text.append(contentsOf: spelling)
    case .string(let bytes): appendJSONString(bytes, to: &text)
    case .array(let elements):
      text.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        element.append(to: &text, sorted: sorted)
      }
      text.append(UInt8(ascii: "]"))
    case .object(let object):
      text.append(UInt8(ascii: "{"))
      for (index, member) in (sorted ? object.sortedMembers : object.members).enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        appendJSONString(member.name, to: &text)
        text.append(UInt8(ascii: ":"))
        member.value.append(to: &text, sorted: sorted)
      }
      text.append(UInt8(ascii: "}"))
    }
  }
}

/// Appends `string`, UTF-8 bytes, as a JSON string. Only what must be escaped is: the quotation
/// mark, the backslash and U+0000 to U+001F, in the short form if there is one, else `\u00xx`
/// with lower-case digits.
package func appendJSONString(_ string: [UInt8], to text: inout [UInt8]) {
  append(string, isPlain: isPlain(string.span), to: &text)
}

package func appendJSONString(_ string: String, to text: inout [UInt8]) {
  append(string.utf8, isPlain: isPlain(string.utf8.span), to: &text)
}

private func append(_ string: some Collection<UInt8>, isPlain: Bool, to text: inout [UInt8]) {
  text.append(UInt8(ascii: "\""))
  if isPlain {
    text.append(contentsOf: string)
  } else {
    for byte in string {
      if mustBeEscaped(byte) { appendEscaped(byte, to: &text) } else { text.append(byte) }
    }
  }
  text.append(UInt8(ascii: "\""))
}

private func isPlain(_ string: Span<UInt8>) -> Bool {
  for index in string.indices where mustBeEscaped(string[index]) { return false }
  return true
}

private func mustBeEscaped(_ byte: UInt8) -> Bool {
  byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
}

private func appendEscaped(_ byte: UInt8, to text: inout [UInt8]) {
  switch byte {
  case UInt8(ascii: "\""): text.append(contentsOf: #"\""#.utf8)
  case UInt8(ascii: "\\"): text.append(contentsOf: #"\\"#.utf8)
  case 0x08: text.append(contentsOf: #"\b"#.utf8)
  case 0x09: text.append(contentsOf: #"\t"#.utf8)
  case 0x0A: text.append(contentsOf: #"\n"#.utf8)
  case 0x0C: text.append(contentsOf: #"\f"#.utf8)
  case 0x0D: text.append(contentsOf: #"\r"#.utf8)
  default:
    text.append(contentsOf: (byte < 0x10 ? #"\u000"# : #"\u00"#).utf8)
    text.append(contentsOf: String(byte, radix: 16).utf8)
  }
}
