internal import Testing
@testable internal import WebhookResponder

struct AcceptTests {
  private func takesJSON(_ values: [String]) -> Bool {
    prefers("application/json", to: "text/html", values.map { Array($0.utf8) })
  }

  @Test(
    arguments: [
      ["application/json"], ["APPLICATION/Json"], ["text/html, application/json"],
      ["text/html;q=0.1,application/json;q=0.1"], [" application/json ; q=1"],
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
      ["application/problem+json"], ["text/html;a=application/json"],
      ["text/html,application/json;q=0.1"], ["application/json;q=0."], ["application/json;q=x"],
      [#"text/html;x=",application/json,""#], ["application/json;q=2"], ["application / json x"],
      ["\u{0}", "\u{FF}"],
    ])
  func typeThatIsNotNamedIsNot(values: [String]) {
    #expect(!takesJSON(values))
  }

  @Test func bytesThatAreNoTextAreNone() {
    #expect(!prefers("application/json", to: "text/html", [[0xFF, 0xFE], [0x00]]))
    let value = [0xFF, 0x2C] + Array("application/json".utf8)
    #expect(prefers("application/json", to: "text/html", [value]))
  }

  /// As Prometheus asks.
  @Test func prometheusGetsOpenMetrics() {
    let value =
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
      + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    let wants = Array(value.utf8)
    #expect(prefers("application/openmetrics-text", to: "text/plain", [wants]))
  }
}
