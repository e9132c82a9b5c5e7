@testable internal import EventForwarding
internal import TestSupport
internal import Testing
internal import WebhookCore

struct SchemaTests {
  @Test(
    arguments: [
      ([], "{}"), ([""], #"{""}"#), (["one", "two"], #"{"one","two"}"#),
      ([#"say "hi""#], #"{"say \"hi\""}"#), ([#"a\b\\"#], #"{"a\\b\\\\"}"#),
      (["NULL", "null"], #"{"NULL","null"}"#), (["a,b", "{c}", " d "], #"{"a,b","{c}"," d "}"#),
      (["é\u{1F600}", "a\nb"], "{\"é\u{1F600}\",\"a\nb\"}"),
    ] as [([String], String)])
  func elementsOfAnArrayAreQuotedAndEscaped(elements: [String], text: String) {
    #expect(
      String(decoding: arrayText(elements.map { Array($0.utf8) }), as: UTF8.self) == text)
  }

  /// The names in the first pair of parentheses behind `beginning`.
  private func names(in statement: String, after beginning: String) throws -> [String] {
    let rest = try #require(statement.split(separator: beginning, maxSplits: 1).last)
    let list = rest.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
    return list.split(separator: ",").map {
      $0.split { " \n\"".contains($0) }.joined(separator: " ")
    }
  }

  private static let columns = [
    "source", "id", "eventkey", "type", "subject", "time", "recordedtime", "instance", "event",
  ]

  @Test func tableAndStatementNameTheSameColumns() throws {
    #expect(try names(in: insertStatement, after: "INSERT INTO delve_event") == Self.columns)
    #expect(try names(in: insertStatement, after: "AS arrived") == Self.columns)
    for column in Self.columns { #expect(schema[0].contains(" \(column) ") || column == "time") }
    #expect(schema[0].contains(#"PRIMARY KEY (source, id)"#))
  }

  @Test func parametersComeInTheOrderOfTheColumns() throws {
    let event = try exampleEvent()
    let outgoing = try #require(OutgoingEvent(line: event.line, withProof: false))
    let parameters = insertParameters(of: [outgoing]).map { String(decoding: $0, as: UTF8.self) }
    #expect(parameters.count == Self.columns.count)
    #expect(
      parameters.dropLast() == [
        #"{"https://acme.delvesecurity.app#acme"}"#, #"{"\#(event.id.hex)"}"#,
        #"{"\#(outgoing.eventKey)"}"#, #"{"com.delvesecurity.export.done"}"#, #"{"export/212"}"#,
        #"{"2026-09-21T14:13:20Z"}"#, #"{"2026-09-21T14:13:20.000Z"}"#, #"{"acme"}"#,
      ])
    #expect(parameters.last?.hasPrefix(#"{"{\"specversion\":\"1.0\","#) == true)
  }

  @Test func noEventIsNineEmptyArrays() {
    #expect(insertParameters(of: []) == [[UInt8]](repeating: Array("{}".utf8), count: 9))
  }
}
