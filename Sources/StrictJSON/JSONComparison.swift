extension JSONValue {
  /// Whether `text` is this value, as JSON that the parser takes. No value is built of the text: it
  /// costs no memory that grows with it, and its first difference ends the comparison.
  package func isEqual(toText text: [UInt8], levels: Int = 128) -> Bool {
    guard (try? UTF8Span(validating: text.span)) != nil else { return false }
    var parser = JSONParser(text: text, maximumDepth: levels)
    return (try? parser.compareDocument(with: self)) ?? false
  }
}

extension JSONParser {
  fileprivate mutating func compareDocument(with value: JSONValue) throws(JSONSyntaxError) -> Bool {
    guard try compareValue(with: value, depth: 0) else { return false }
    skipWhiteSpace()
    return isAtEnd
  }

  private mutating func compareValue(
    with value: JSONValue, depth: Int
  ) throws(JSONSyntaxError) -> Bool {
    skipWhiteSpace()
    let byte = try peek()
    switch value {
    case .object(let object):
      return byte == UInt8(ascii: "{") ? try compareObject(with: object, depth: depth + 1) : false
    case .array(let elements):
      return byte == UInt8(ascii: "[") ? try compareArray(with: elements, depth: depth + 1) : false
    case .string(let string):
      return byte == UInt8(ascii: "\"") ? try parseString() == string : false
    case .boolean(let isTrue):
      let literal = isTrue ? "true" : "false"
      guard byte == literal.utf8.first else { return false }
      return try parseLiteral(literal, as: value) == value
    case .null:
      return byte == UInt8(ascii: "n") ? try parseLiteral("null", as: .null) == .null : false
    case .number(let number):
      guard byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) else { return false }
      return try parseNumber() == number
    }
  }

  /// The members may stand in any order, each once.
  private mutating func compareObject(
    with object: JSONObject, depth: Int
  ) throws(JSONSyntaxError) -> Bool {
    guard depth <= maximumDepth else { return false }
    var rest = Dictionary(uniqueKeysWithValues: object.members.map { ($0.name, $0.value) })
    try expect(UInt8(ascii: "{"))
    if skip(UInt8(ascii: "}")) { return rest.isEmpty }
    repeat {
      skipWhiteSpace()
      guard try peek() == UInt8(ascii: "\""),
        let value = rest.removeValue(forKey: try parseString())
      else { return false }
      try expect(UInt8(ascii: ":"))
      guard try compareValue(with: value, depth: depth) else { return false }
    } while skip(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"))
    return rest.isEmpty
  }

  private mutating func compareArray(
    with elements: [JSONValue], depth: Int
  ) throws(JSONSyntaxError) -> Bool {
    guard depth <= maximumDepth else { return false }
    try expect(UInt8(ascii: "["))
    if skip(UInt8(ascii: "]")) { return elements.isEmpty }
    var index = 0
    repeat {
      guard index < elements.count, try compareValue(with: elements[index], depth: depth) else {
        return false
      }
      index += 1
    } while skip(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"))
    return index == elements.count
  }
}
