@testable internal import EventForwarding
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

struct OutgoingEventTests {
  /// A stored event that has every attribute, and one that nobody knows.
  private func stored() throws -> JSONObject {
    let event = try #require(StoredEvent(line: exampleEvent().line))
    let further = ["hook", "requesturi", "remoteaddr", "traceparent"]
    return further.reduce(event.attributes) { $0.appending($1, .string("said")) }
  }

  private func outgoing(_ attributes: JSONObject, withProof: Bool = false) -> OutgoingEvent? {
    OutgoingEvent(line: attributes.line, withProof: withProof)
  }

  private func names(_ event: OutgoingEvent?) throws -> Set<String> {
    let json = try #require(event?.json)
    let members = try #require(try JSONValue(parsing: json).object).members
    return Set(members.map { String(decoding: $0.name, as: UTF8.self) })
  }

  // MARK: What leaves

  @Test func storedEventHasWhatMustNotLeave() throws {
    let names = Set(try stored().members.map { String(decoding: $0.name, as: UTF8.self) })
    #expect(names == Set(EventAttribute.allCases.map(\.rawValue) + ["traceparent"]))
  }

  @Test func withoutProofOnlyTheAttributesThatLeaveDo() throws {
    #expect(
      try names(outgoing(stored())) == [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
        "recordedtime", "instance", "hook", "eventkey", "keyid",
      ])
  }

  @Test func withProofTheTokenAndTheRequestLeaveToo() throws {
    #expect(
      try names(outgoing(stored(), withProof: true)) == [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
        "recordedtime", "instance", "hook", "eventkey", "keyid", "requesturi", "remoteaddr",
        "xsignature", "jws",
      ])
  }

  @Test(arguments: [false, true])
  func attributeThatIsNotInTheTableNeverLeaves(withProof: Bool) throws {
    let event = try #require(outgoing(stored(), withProof: withProof))
    #expect(!String(decoding: event.json, as: UTF8.self).contains("traceparent"))
  }

  @Test func eventLeavesOnOneLineAsItWasWritten() throws {
    let event = try exampleEvent()
    let outgoing = try #require(OutgoingEvent(line: event.line, withProof: true))
    #expect(outgoing.json == event.line.dropLast())
  }

  // MARK: What is kept apart

  @Test func attributesAreThoseOfTheEvent() throws {
    let event = try exampleEvent()
    let outgoing = try #require(OutgoingEvent(line: event.line, withProof: false))
    let stored = try #require(StoredEvent(line: event.line))
    #expect(outgoing.id == event.id.hex)
    #expect(outgoing.source == "https://acme.delvesecurity.app#acme")
    #expect(outgoing.eventKey == stored[.eventkey])
    #expect(outgoing.type == "com.delvesecurity.export.done")
    #expect(outgoing.subject == "export/212")
    #expect(outgoing.time == "2026-09-21T14:13:20Z")
    #expect(outgoing.recordedTime == "2026-09-21T14:13:20.000Z")
    #expect(outgoing.instance == "acme")
  }

  private static let keptApart: [EventAttribute] = [
    .source, .id, .eventkey, .type, .subject, .time, .recordedtime, .instance,
  ]

  @Test(arguments: keptApart, [JSONValue.string("~ x"), .string(" ")])
  func attributeOfPrintableASCIIIsTaken(attribute: EventAttribute, value: JSONValue) throws {
    let changed = try stored().removing(attribute.rawValue).appending(attribute.rawValue, value)
    #expect(outgoing(changed) != nil)
  }

  @Test(
    arguments: keptApart,
    [
      JSONValue.string(""), .string("a\0b"), .string("a\nb"), .string("é"), .string("\u{7F}"),
      .number(5), .null,
    ])
  func lineWithAnotherAttributeIsNoEvent(attribute: EventAttribute, value: JSONValue) throws {
    let changed = try stored().removing(attribute.rawValue).appending(attribute.rawValue, value)
    #expect(outgoing(changed) == nil)
  }

  @Test(arguments: keptApart + [.specversion, .data])
  func lineWithoutAnAttributeIsNoEvent(attribute: EventAttribute) throws {
    #expect(outgoing(try stored().removing(attribute.rawValue)) == nil)
  }

  @Test(arguments: ["", "{}", "[]", "half"])
  func rubbishIsNoEvent(line: String) {
    #expect(OutgoingEvent(line: Array(line.utf8), withProof: true) == nil)
  }
}
