internal import Testing
@testable internal import WebhookResponder

struct AcceptTests {
  private func takesJSON(_ values: [String]) -> Bool {
    accepts("application/json", values.map { Array($0.utf8) })
  }

  @Test(
    arguments: [
      ["application/json"], ["APPLICATION/Json"], ["text/html, application/json"],
      ["text/html,application/json;q=0.1"], [" application/json ; q=1"],
      ["application/json\t;\tcharset=utf-8"], ["text/html", "application/json"],
      ["application/json;q=0.001"], ["text/html;q=0, application/json"],
      [",,application/json,"],
    ])
  func typeThatIsNamedIsTaken(values: [String]) {
    #expect(takesJSON(values))
  }

  @Test(
    arguments: [
      [], [""], [","], ["*/*"], ["application/*"], ["text/html"], ["application/jsonx"],
      ["xapplication/json"], ["application/json;q=0"], ["application/json; Q = 0.000"],
      ["application/problem+json"], ["text/html;a=application/json"], ["application / json x"],
      ["\u{0}", "\u{FF}"],
    ])
  func typeThatIsNotNamedIsNot(values: [String]) {
    #expect(!takesJSON(values))
  }

  @Test func bytesThatAreNoTextAreNone() {
    #expect(!accepts("application/json", [[0xFF, 0xFE], [0x00]]))
    #expect(accepts("application/json", [[0xFF, 0x2C] + Array("application/json".utf8)]))
  }

  /// As Prometheus asks.
  @Test func prometheusGetsOpenMetrics() {
    let value =
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
      + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    #expect(accepts("application/openmetrics-text", [Array(value.utf8)]))
  }
}
