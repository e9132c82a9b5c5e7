internal import Foundation
internal import StrictJSON
internal import TestSupport
internal import Testing

/// The comparison of a value with a text says what parsing and comparing would say.
struct JSONComparisonTests {
  private static let texts = [
    "{}", "[]", "null", "true", "false", "0", "-1", "1.0", "1e2", #""""#, #""a""#, #""\u0061""#,
    #"{"a":1}"#, #"{"a":1,"b":[1,2,{"c":null}]}"#, #"{"b":[1,2,{"c":null}],"a":1}"#,
    #"{"b":[1,2],"a":1}"#, #"{"a":1,"b":[1,2,{"c":null}],"d":0}"#, "[1,2]", "[2,1]", "[1]",
    "[[[]]]", " [ 1 , 2 ] ", #"{"a":1,"a":1}"#, "[1,2,]", "[1,2]x", "[1", #"{"a""#, "tru", "01",
    "\u{FEFF}{}", #""\ud800""#, "",
  ]

  @Test func everyTextEqualsTheSameValuesAsBeforeParsing() throws {
    for text in Self.texts {
      guard let value = try? JSONValue(parsing: Array(text.utf8)) else { continue }
      for other in Self.texts {
        let parsed = try? JSONValue(parsing: Array(other.utf8))
        #expect(value.isEqual(toText: Array(other.utf8)) == (parsed == value), "\(text) \(other)")
      }
    }
  }

  @Test func textThatDoesNotParseEqualsNothing() {
    #expect(!JSONValue.string([0xFF]).isEqual(toText: [0x22, 0xFF, 0x22]))
    let deep = String(repeating: "[", count: 129) + String(repeating: "]", count: 129)
    let value = try? JSONValue(parsing: Array(deep.utf8), levels: 129)
    #expect(value?.isEqual(toText: Array(deep.utf8)) == false)
    #expect(value?.isEqual(toText: Array(deep.utf8), levels: 129) == true)
  }
}
