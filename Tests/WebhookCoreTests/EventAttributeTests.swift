internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The table of attributes: what it says is decided here a second time, so that a new attribute
/// needs a decision.
struct EventAttributeTests {
  /// An event that has every attribute.
  private func fullEvent() throws -> Event {
    var decision = try Decision(payload: examplePayload(issuedAt: Decision.now))
    decision.hook = [Array(Hook.exportComplete.rawValue.utf8)]
    return try decision.event()
  }

  private func names(of line: [UInt8]) throws -> [String] {
    try required(try JSONValue(parsing: line).object).members.map {
      String(decoding: $0.name, as: UTF8.self)
    }
  }

  @Test func membersOfAnEventComeInTheOrderOfTheTable() throws {
    #expect(try names(of: fullEvent().line) == EventAttribute.allCases.map(\.rawValue))
  }

  /// A name of CloudEvents has lower-case letters and digits (1.0.2 §3.1).
  @Test(arguments: EventAttribute.allCases)
  func nameIsOneThatCloudEventsAllows(attribute: EventAttribute) {
    #expect(attribute.rawValue.wholeMatch(of: /[a-z0-9]{1,20}/) != nil)
  }

  // MARK: In the manual

  /// The lines of a section of delve-webhook-spool(5).
  private func section(_ heading: String) throws -> [String] {
    let path = "\(Repository.root)/Sources/EventSpool/delve-webhook-spool.5"
    let lines = String(decoding: try fileBytes(path), as: UTF8.self).split(separator: "\n")
    return lines.drop { $0 != ".Sh \(heading)" }.dropFirst().prefix { !$0.hasPrefix(".Sh ") }
      .map(String.init)
  }

  @Test func manualExplainsEveryAttributeInTheirOrderAndNoOther() throws {
    let items = try section("EVENT FILE").filter { $0.hasPrefix(".It ") }
    #expect(items == EventAttribute.allCases.map { ".It Cm \($0.rawValue)" })
  }

  @Test func manualNamesWhatTheTokenProves() throws {
    let proven = try section("EVENT FILE").drop { $0 != "The token proves" }.dropFirst()
      .prefix { $0.hasPrefix(".Cm ") }
    #expect(
      proven == EventAttribute.all(.isSigned).map { ".Cm \($0.rawValue) ," }.dropLast()
        + [".Cm keyid"])
  }

  // MARK: Rules

  @Test func attributesThatLeaveAreExactlyThese() {
    #expect(
      EventAttribute.all(.leaves) == [
        .specversion, .id, .source, .type, .subject, .time, .datacontenttype, .data, .recordedtime,
        .instance, .hook, .eventkey, .keyid,
      ])
  }

  @Test func attributesThatLeaveOnlyWithTheProofAreExactlyThese() {
    #expect(
      EventAttribute.all(.leavesWithProof) == [.requesturi, .remoteaddr, .xsignature, .jws])
  }

  @Test func attributesThatEveryEventHasAreExactlyThese() {
    #expect(
      EventAttribute.all(.isRequired) == [
        .specversion, .id, .source, .type, .subject, .time, .data, .recordedtime, .instance,
        .eventkey,
      ])
  }

  @Test func attributesThatAProofCoversAreExactlyThese() {
    #expect(
      EventAttribute.all(.isSigned) == [
        .id, .type, .subject, .time, .data, .eventkey, .keyid,
      ])
  }

  @Test func attributesThatNoProofCoversAreExactlyThese() {
    #expect(
      EventAttribute.unproven == [
        .datacontenttype, .recordedtime, .hook, .requesturi, .remoteaddr,
      ])
  }

  @Test(arguments: EventAttribute.all(.isRequired))
  func lineWithoutARequiredAttributeIsNoEvent(attribute: EventAttribute) throws {
    let all = try required(StoredEvent(line: fullEvent().line)).attributes
    #expect(StoredEvent(line: all.removing(attribute.rawValue).line) == nil)
  }

  @Test func lineWithTheRequiredAttributesOnlyIsAnEvent() throws {
    let all = try required(StoredEvent(line: fullEvent().line))
    #expect(StoredEvent(line: all.attributes(with: .isRequired).line) != nil)
  }

  // MARK: Selections

  @Test func selectionHasTheAttributesWithOneOfTheRulesInTheirOrder() throws {
    let event = try required(StoredEvent(line: fullEvent().line))
    #expect(
      try names(of: event.attributes(with: [.leaves, .leavesWithProof]).line)
        == EventAttribute.allCases.map(\.rawValue))
    #expect(
      try names(of: event.attributes(with: .leavesWithProof).line)
        == EventAttribute.all(.leavesWithProof).map(\.rawValue))
  }

  @Test func selectionHasNoAttributeThatIsNotInTheTable() throws {
    let line = try required(StoredEvent(line: fullEvent().line)).attributes
      .appending("traceparent", .string("x")).line
    let event = try required(StoredEvent(line: line))
    #expect(event.attributes["traceparent"] == .string("x"))
    let selected = event.attributes(with: [
      .isRequired, .isSigned, .leaves, .leavesWithProof, .isForPrograms, .isComparable,
    ])
    #expect(selected["traceparent"] == nil)
    #expect(selected["id"] != nil)
  }
}
