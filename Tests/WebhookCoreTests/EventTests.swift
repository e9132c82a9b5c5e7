internal import Foundation
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

struct EventTests {
  private func event(_ payload: String, _ change: (inout Decision) -> Void = { _ in }) throws
    -> Event
  {
    var decision = try Decision(payload: payload)
    change(&decision)
    return try decision.event()
  }

  private func attributes(of event: Event) throws -> JSONObject {
    try required(try JSONValue(parsing: event.line).object)
  }

  @Test func eventFileIsThatOfTheDesign() throws {
    let payload =
      #"{ "id" : "39836", "kind":"scan",  "status":"done", "isAdHoc": true, "n": 1.50, "iat":1790000000 }"#
    let event = try event(payload) { $0.hook = [Array("scan-success".utf8)] }
    let text = String(decoding: event.line, as: UTF8.self)
    let jws = text.components(between: #""jws":""#, and: "\"}\n")
    #expect(
      text == #"{"specversion":"1.0","id":"\#(event.id.hex)","#
        + #""source":"https://acme.delvesecurity.app#acme","type":"com.delvesecurity.scan.done","#
        + #""subject":"scan/39836","time":"2026-09-21T14:13:20Z","datacontenttype":"application/json","#
        + #""data":{"id":"39836","kind":"scan","status":"done","isAdHoc":true,"n":1.50,"iat":1790000000},"#
        + #""recordedtime":"2026-09-21T14:13:20.042Z","instance":"acme","hook":"scan-success","#
        + #""requesturi":"/webhooks/delve/any","remoteaddr":"192.0.2.7","#
        + #""eventkey":"549ca729058f3cb4f3069c1a13cc2bbdf8d084a291052efd04a6235ec0e3b987","#
        + #""keyid":"\#(try TestKey.p521.verificationKeys[0].thumbprint.text)","#
        + #""xsignature":"ES512 /api/webhook.key","jws":"\#(jws)"}"# + "\n")
    #expect(
      event.fileName.description
        == "20260921T141320Z-scan-done-39836-\(event.id.hex.prefix(32)).json")
    #expect(event.issuedHour == "20260921T14")
  }

  @Test func hookIsAbsentWhereTheWebServerNamesNone() throws {
    let attributes = try attributes(of: try event(examplePayload(issuedAt: Decision.now)))
    #expect(attributes["hook"] == nil)
  }

  @Test func xSignatureIsKeptOnlyWhereItWasChecked() throws {
    let payload = examplePayload(issuedAt: Decision.now)
    let ignoring = XSignatureRule(policy: .ignore)
    var decision = try Decision(
      keys: try TestKey.p521.verificationKeys, xSignatureRule: ignoring)
    decision.authorization = [try authorization(payload: payload)]
    decision.xSignature = [Array("whatever \"it\" says".utf8)]
    #expect(try attributes(of: try decision.event())["xsignature"] == nil)
  }

  @Test func eventKeyIsEqualForAnEventThatIsSignedTwiceAndForNoOther() throws {
    func key(_ payload: String) throws -> JSONValue? {
      try attributes(of: try event(payload))["eventkey"]
    }
    let first = try key(
      #"{"id":"1","kind":"scan","status":"done","iat":1790000000,"a":{"x":1,"iat":5}}"#)
    #expect(
      try key(
        #"{"iat":1790000030,"exp":1790009999,"nbf":1,"jti":"z","a":{"iat":5,"\u0078":1},"status":"done","kind":"scan","id":"1"}"#
      )
        == first)
    #expect(
      try key(#"{"id":"1","kind":"scan","status":"done","iat":1790000000,"a":{"x":1,"iat":6}}"#)
        != first)
    #expect(
      try key(#"{"id":"1","kind":"scan","status":"done","iat":1790000000,"a":{"x":1.0,"iat":5}}"#)
        != first)
  }

  @Test(arguments: [
    ("../../etc/passwd", "______etc_passwd"), ("..", "__"), ("a\\u0000b", "a_b"),
    ("\u{202E}é", "_____"), (String(repeating: "x", count: 200), String(repeating: "x", count: 64)),
  ])
  func fileNameIsNeverShapedByThePayload(id: String, part: String) throws {
    let event = try event(examplePayload(id: id, issuedAt: Decision.now))
    #expect(
      event.fileName.description
        == "20260921T141320Z-export-done-\(part)-\(event.id.hex.prefix(32)).json")
  }

  @Test func attributesArePercentEncodedBoundedAndNeverEmpty() throws {
    let event = try event(examplePayload(id: "50% é", kind: "sc\u{7F}an", issuedAt: Decision.now)) {
      $0.requestURI = []
    }
    let attributes = try attributes(of: event)
    #expect(attributes["subject"] == .string("sc%7Fan/50%25 %C3%A9"))
    #expect(attributes["type"] == .string("com.delvesecurity.sc%7Fan.done"))
    #expect(attributes["requesturi"] == nil)
    let long = try self.event(
      examplePayload(id: String(repeating: "é", count: 2_000), issuedAt: Decision.now)
    ) { $0.requestURI = [UInt8](repeating: 0x61, count: 5_000) }
    let cut = try self.attributes(of: long)
    #expect(cut["subject"]?.string?.count == 511)  // never cut within an encoded byte
    #expect(cut["requesturi"]?.string?.count == 2_048)
  }

  @Test func eventIsReadBackAsItWasWritten() throws {
    let event = try event(examplePayload(issuedAt: Decision.now))
    let stored = try required(StoredEvent(line: event.line))
    #expect(stored[.id] == event.id.hex)
    #expect(stored[.hook] == "")
    #expect(StoredEvent(line: Array(#"{"specversion":"1.0"}"#.utf8)) == nil)
    #expect(StoredEvent(line: event.line.dropLast(2)) == nil)
  }
}

extension String {
  fileprivate func components(between start: String, and end: String) -> String {
    guard let from = range(of: start)?.upperBound, let to = range(of: end)?.lowerBound else {
      return ""
    }
    return String(self[from..<to])
  }
}
