internal import StrictJSON
internal import Testing

struct JSONWriterTests {
  private func written(_ text: String, canonical: Bool = false) throws -> String {
    let value = try JSONValue(parsing: Array(text.utf8))
    return String(decoding: canonical ? value.canonicalText : value.compactText, as: UTF8.self)
  }

  @Test func canonicalTextSortsNamesByBytesAndKeepsNumbersAsSpelled() throws {
    #expect(
      try written(
        #"{"b": 1.50E+3, "a": {"z": [2, 1], "é": "\u00e9\/", "Z": null}}"#, canonical: true)
        == #"{"a":{"Z":null,"z":[2,1],"é":"é/"},"b":1.50E+3}"#)
  }

  @Test func onlyWhatMustBeEscapedIs() throws {
    #expect(
      try written(#""\u0000\u001f\b\t\n\f\r\"\\\/\u007f\u00e9\u2028""#)
        == "\"\\u0000\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\u{7F}é\u{2028}\"")
  }

  @Test func whatIsWrittenIsReadBackAsTheSameValue() throws {
    let value = try JSONValue(parsing: Array(#"{"a\n\"\\":["\u0001é😀",-0.0e-1,{},[]]}"#.utf8))
    #expect(try JSONValue(parsing: value.compactText) == value)
    #expect(try JSONValue(parsing: value.canonicalText) == value)
  }

  @Test func compactJSONRemovesWhiteSpaceBetweenTokensAndNothingElse() {
    let text = " {\t\"a b\" : [ 1.0 , \"\\\" \\\\\" ]\r\n, \"\\u0061\":\" \" } \n"
    #expect(
      String(decoding: compactJSON(Array(text.utf8)), as: UTF8.self)
        == #"{"a b":[1.0,"\" \\"],"\u0061":" "}"#)
  }

  @Test func asciiJSONIsTheSameValueWithoutACharacterThatSteersATerminal() throws {
    let value = try JSONValue(
      parsing: Array(#"{"\u009b31m":"A\u202eB\u007f~ \"\\ é😀\u0085\n"}"#.utf8))
    let text = asciiJSON(value.compactText)
    #expect(
      String(decoding: text, as: UTF8.self)
        == #"{"\u009b31m":"A\u202eB\u007f~ \"\\ \u00e9\ud83d\ude00\u0085\n"}"#)
    #expect(try JSONValue(parsing: text) == value)
  }

  @Test func asciiJSONLeavesASCIIAsItIs() {
    let text = Array(#"{"a":["~ ",1.0,null]}"#.utf8)
    #expect(asciiJSON(text) == text)
  }
}
