extension JSONValue {
  /// Parses `text` as one JSON value (RFC 8259), strictly: valid UTF-8 without a byte order mark,
  /// no lone surrogates, no name twice in an object (compared byte by byte after unescaping),
  /// nothing but white space behind the value, and at most 128 levels of arrays and objects, the
  /// outermost being level 1.
  ///
  /// Time grows with the length of the text, whatever is in it; the stack only with its levels.
  /// - Parameter levels: another limit than 128.
  package init(parsing text: [UInt8], levels: Int = 128) throws(JSONSyntaxError) {
    guard (try? UTF8Span(validating: text.span)) != nil else {
      throw JSONSyntaxError(problem: .invalidUTF8, offset: 0)
    }
    var parser = JSONParser(text: text, maximumDepth: levels)
    self = try parser.parseDocument()
  }
}

/// A parser over text that is known to be UTF-8.
struct JSONParser {
  let maximumDepth: Int
  private let text: [UInt8]
  private(set) var offset = 0

  init(text: [UInt8], maximumDepth: Int) {
    self.text = text
    self.maximumDepth = maximumDepth
  }

  mutating func parseDocument() throws(JSONSyntaxError) -> JSONValue {
    let value = try parseValue(depth: 0)
    skipWhiteSpace()
    guard offset == text.count else { throw failure(.trailingBytes) }
    return value
  }

  /// `depth` counts the arrays and objects around the value.
  private mutating func parseValue(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    skipWhiteSpace()
    switch try peek() {
    case UInt8(ascii: "{"): return .object(try parseObject(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try parseArray(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseLiteral("true", as: .boolean(true))
    case UInt8(ascii: "f"): return try parseLiteral("false", as: .boolean(false))
    case UInt8(ascii: "n"): return try parseLiteral("null", as: .null)
    default: return .number(try parseNumber())
    }
  }

  private mutating func parseObject(depth: Int) throws(JSONSyntaxError) -> JSONObject {
    guard depth <= maximumDepth else { throw failure(.tooDeep) }
    var members: [JSONObject.Member] = []
    var names = Set<[UInt8]>(minimumCapacity: 8)
    offset += 1
    if skip(UInt8(ascii: "}")) { return JSONObject(members: members) }
    repeat {
      skipWhiteSpace()
      let start = offset
      guard try peek() == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
      let name = try parseString()
      guard names.insert(name).inserted else {
        throw JSONSyntaxError(problem: .duplicateMember, offset: start)
      }
      try expect(UInt8(ascii: ":"))
      members.append(JSONObject.Member(name: name, value: try parseValue(depth: depth)))
    } while skip(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"))
    return JSONObject(members: members)
  }

  private mutating func parseArray(depth: Int) throws(JSONSyntaxError) -> [JSONValue] {
    guard depth <= maximumDepth else { throw failure(.tooDeep) }
    var elements: [JSONValue] = []
    offset += 1
    if skip(UInt8(ascii: "]")) { return elements }
    repeat {
      elements.append(try parseValue(depth: depth))
    } while skip(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"))
    return elements
  }

  mutating func parseLiteral(
    _ literal: String, as value: JSONValue
  ) throws(JSONSyntaxError) -> JSONValue {
    for byte in literal.utf8 {
      guard try peek() == byte else { throw failure(.unexpectedByte) }
      offset += 1
    }
    return value
  }

  // MARK: Strings (RFC 8259 §7)

  mutating func parseString() throws(JSONSyntaxError) -> [UInt8] {
    offset += 1
    var string: [UInt8] = []
    while true {
      let start = offset
      while offset < text.count, !Self.endsPlainRun(text[offset]) { offset += 1 }
      let run = text[start..<offset]
      switch try peek() {
      case UInt8(ascii: "\""):
        offset += 1
        return string.isEmpty ? Array(run) : string + run
      case UInt8(ascii: "\\"):
        offset += 1
        string.append(contentsOf: run)
        try parseEscape(into: &string)
      default:
        throw failure(.controlCharacter)
      }
    }
  }

  private static func endsPlainRun(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20
  }

  private mutating func parseEscape(into string: inout [UInt8]) throws(JSONSyntaxError) {
    let escape = try peek()
    offset += 1
    switch escape {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): string.append(escape)
    case UInt8(ascii: "b"): string.append(0x08)
    case UInt8(ascii: "f"): string.append(0x0C)
    case UInt8(ascii: "n"): string.append(0x0A)
    case UInt8(ascii: "r"): string.append(0x0D)
    case UInt8(ascii: "t"): string.append(0x09)
    case UInt8(ascii: "u"): string.append(contentsOf: Array(String(try parseCodePoint()).utf8))
    default: throw JSONSyntaxError(problem: .invalidEscape, offset: offset - 1)
    }
  }

  /// The four digits behind `\u`, and the second escape of a surrogate pair: one scalar.
  private mutating func parseCodePoint() throws(JSONSyntaxError) -> Unicode.Scalar {
    let loneSurrogate = JSONSyntaxError(problem: .loneSurrogate, offset: offset)
    let first = try parseFourHexDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard UTF16.isLeadSurrogate(first), text[offset...].starts(with: [0x5C, 0x75]) else {
      throw loneSurrogate
    }
    offset += 2
    let second = try parseFourHexDigits()
    // The high half carries ten bits above U+10000, the low half ten more (RFC 2781 §2.2).
    let supplementary = UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF)
    guard UTF16.isTrailSurrogate(second), let scalar = Unicode.Scalar(0x10000 + supplementary)
    else { throw loneSurrogate }
    return scalar
  }

  private mutating func parseFourHexDigits() throws(JSONSyntaxError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = Self.hexDigit(try peek()) else { throw failure(.invalidEscape) }
      value = value << 4 | digit
      offset += 1
    }
    return value
  }

  private static func hexDigit(_ byte: UInt8) -> UInt16? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  // MARK: Numbers (RFC 8259 §6)

  mutating func parseNumber() throws(JSONSyntaxError) -> [UInt8] {
    let start = offset
    skipByte(UInt8(ascii: "-"))
    if !skipByte(UInt8(ascii: "0")) { try skipDigits() }
    if skipByte(UInt8(ascii: ".")) { try skipDigits() }
    if skipByte(UInt8(ascii: "e")) || skipByte(UInt8(ascii: "E")) {
      if !skipByte(UInt8(ascii: "+")) { skipByte(UInt8(ascii: "-")) }
      try skipDigits()
    }
    return Array(text[start..<offset])
  }

  /// At least one digit.
  private mutating func skipDigits() throws(JSONSyntaxError) {
    guard Self.isDigit(try peek()) else { throw failure(.unexpectedByte) }
    while offset < text.count, Self.isDigit(text[offset]) { offset += 1 }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  // MARK: Single bytes

  var isAtEnd: Bool { offset == text.count }

  func failure(_ problem: JSONSyntaxError.Problem) -> JSONSyntaxError {
    JSONSyntaxError(problem: problem, offset: offset)
  }

  func peek() throws(JSONSyntaxError) -> UInt8 {
    guard offset < text.count else { throw failure(.unexpectedEnd) }
    return text[offset]
  }

  @discardableResult
  private mutating func skipByte(_ byte: UInt8) -> Bool {
    guard offset < text.count, text[offset] == byte else { return false }
    offset += 1
    return true
  }

  mutating func skipWhiteSpace() {
    while offset < text.count, isJSONWhiteSpace(text[offset]) { offset += 1 }
  }

  /// Skips `byte` and the white space before it, if it comes next.
  mutating func skip(_ byte: UInt8) -> Bool {
    skipWhiteSpace()
    return skipByte(byte)
  }

  mutating func expect(_ byte: UInt8) throws(JSONSyntaxError) {
    skipWhiteSpace()
    guard try peek() == byte else { throw failure(.unexpectedByte) }
    offset += 1
  }
}

/// Space, tab, line feed and carriage return: all the white space there is (RFC 8259 §2).
func isJSONWhiteSpace(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
}
