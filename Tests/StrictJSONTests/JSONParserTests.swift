internal import StrictJSON
internal import Testing

struct JSONParserTests {
  private func problem(in text: String) -> JSONSyntaxError.Problem? {
    do throws(JSONSyntaxError) {
      _ = try JSONValue(parsing: Array(text.utf8))
      return nil
    } catch {
      return error.problem
    }
  }

  @Test(arguments: [
    (#"{"a":1,"a":2}"#, #"{"a":1,"b":2}"#),
    (#"{"a":1,"\u0061":2}"#, #"{"a":1,"\u0062":2}"#),
    (#"[{"x":{"k":1,"k":1}}]"#, #"[{"x":{"k":1,"K":1}}]"#),
    (#"{"/":1,"\/":2}"#, #"{"/":1,"//":2}"#),
  ])
  func nameTwiceInOneObjectIsRefused(refused: String, accepted: String) {
    #expect(problem(in: refused) == .duplicateMember)
    #expect(problem(in: accepted) == nil)
  }

  @Test func namesThatOnlyUnicodeTakesForEqualAreDifferent() {
    #expect(problem(in: "{\"\u{E9}\":1,\"e\u{301}\":2}") == nil)
  }

  @Test func depthOf128IsAcceptedAnd129Refused() {
    func nested(_ levels: Int) -> String {
      String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
    #expect(problem(in: nested(128)) == nil)
    #expect(problem(in: nested(129)) == .tooDeep)
    #expect(problem(in: String(repeating: "[", count: 513)) == .tooDeep)
    #expect(problem(in: String(repeating: #"{"a":"#, count: 100_000)) == .tooDeep)
  }

  @Test(arguments: [
    (#"{"a":1} x"#, JSONSyntaxError.Problem.trailingBytes), ("", .unexpectedEnd),
    (#"{"a":"#, .unexpectedEnd), ("[1,]", .unexpectedByte), (#"["\x"]"#, .invalidEscape),
    (#"["\ud800"]"#, .loneSurrogate), (#"["\ud800\u0041"]"#, .loneSurrogate),
    (#"["\udc00"]"#, .loneSurrogate), ("[\"\u{1}\"]", .controlCharacter), ("+1", .unexpectedByte),
    ("01", .trailingBytes), ("1.", .unexpectedEnd), ("-", .unexpectedEnd), ("1e", .unexpectedEnd),
  ])
  func malformedTextIsRefusedForItsOwnReason(text: String, expected: JSONSyntaxError.Problem) {
    #expect(problem(in: text) == expected)
  }

  @Test(arguments: [[0xC0, 0x80], [0xE9], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]])
  func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
    let string: [UInt8] = [0x22] + bytes + [0x22]
    #expect {
      try JSONValue(parsing: string)
    } throws: {
      ($0 as? JSONSyntaxError)?.problem == .invalidUTF8
    }
  }

  @Test func surrogatePairsBecomeOneScalar() throws {
    let value = try JSONValue(parsing: Array(#""\ud83d\ude00\u0000\u20ac""#.utf8))
    #expect(value == .string("\u{1F600}\u{0}\u{20AC}"))
  }

  @Test func objectsAreEqualWhateverTheOrderOfTheirMembersAndNumbersWhenSpelledAlike() throws {
    func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }
    #expect(
      try parse(#"{"a":1,"b":[true,null]}"#) == parse(#" { "b" : [true , null], "\u0061":1} "#))
    #expect(try parse("1") != parse("1.0"))
    #expect(try parse("1") != parse("true"))
    #expect(try parse(#""1""#) != parse("1"))
    #expect(try parse(#"{"a":1}"#) != parse(#"{"a":1,"b":1}"#))
  }
}
