internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

struct ProofTests {
  private static let url = "https://acme.delvesecurity.app"

  private let event: Event
  private let keys: [VerificationKey]

  init() throws {
    event = try exampleEvent(id: "50% é")
    keys = try TestKey.p521.verificationKeys
  }

  /// - Parameter url: that of the instance, if it is configured.
  private func problem(
    of line: [UInt8], fileName: String? = nil, instance: String = "acme", url: String? = url,
    by keys: [VerificationKey]? = nil
  ) throws -> ProofError? {
    let place = EventPlace(
      fileName: fileName ?? event.fileName, instance: try required(InstanceName(instance)),
      url: url)
    do throws(ProofError) {
      try verifyProof(of: line, at: place, by: keys ?? self.keys)
      return nil
    } catch {
      return error
    }
  }

  private func problem(replacing old: String, with new: String) throws -> ProofError? {
    let line = String(decoding: event.line, as: UTF8.self)
    #expect(line.contains(old))
    return try problem(of: Array(line.replacing(old, with: new).utf8))
  }

  @Test func eventAsItWasStoredHolds() throws {
    #expect(try problem(of: event.line) == nil)
    #expect(try problem(of: event.line, by: TestKey.otherP521.verificationKeys + keys) == nil)
  }

  @Test func eventWhosePayloadHasAllLevelsIsReadBack() throws {
    let nested = String(repeating: "[", count: 127) + String(repeating: "]", count: 127)
    let payload =
      #"{"id":"1","kind":"scan","status":"done","iat":\#(Decision.now),"deep":\#(nested)}"#
    let deep = try Decision(payload: payload).event()
    #expect(try problem(of: deep.line, fileName: deep.fileName) == nil)
  }

  @Test func whateverIsChangedIsFound() throws {
    #expect(try problem(replacing: "\"specversion\"", with: "\"version\"") == .notEvent)
    #expect(try problem(replacing: "\"jws\"", with: "\"token\"") == .noToken)
    #expect(try problem(replacing: "\"jws\":\"", with: "\"jws\":\"x.") == .malformedToken)
    #expect(
      try problem(replacing: event.id.hex, with: String(event.id.hex.reversed()))
        == .otherAttribute(.id))
    #expect(
      try problem(replacing: "\"kind\":\"export\"", with: "\"kind\":\"scan\"")
        == .otherAttribute(.data))
    #expect(
      try problem(replacing: "\"iat\":1790000000", with: "\"iat\":1790000000.0")
        == .otherAttribute(.data))
    #expect(try problem(replacing: "export.done", with: "export.failed") == .otherAttribute(.type))
    #expect(try problem(replacing: "14:13:20Z", with: "14:13:21Z") == .otherAttribute(.time))
    #expect(
      try problem(replacing: "\"keyid\":\"", with: "\"keyid\":\"x") == .otherAttribute(.keyid))
    #expect(try problem(of: event.line, fileName: "other.json") == .otherFileName)
    #expect(
      try problem(of: event.line, by: TestKey.otherP521.verificationKeys) == .badSignature)
    #expect(try problem(of: event.line, by: TestKey.p256.verificationKeys) == .badSignature)
    #expect(try problem(of: event.line, by: []) == .badSignature)
  }

  /// The table says which changes are found: each attribute's value is replaced, by one that is as
  /// good a text.
  @Test(arguments: EventAttribute.allCases)
  func changeIsFoundIfTheTableSaysSo(attribute: EventAttribute) throws {
    var decision = try Decision(payload: examplePayload(issuedAt: Decision.now))
    decision.hook = [Array(Hook.exportComplete.rawValue.utf8)]
    let event = try decision.event()
    let all = try required(StoredEvent(line: event.line)).attributes
    let isFound = { (value: JSONValue) throws -> Bool in
      let changed = JSONObject(
        all.members.map { member in
          let name = String(decoding: member.name, as: UTF8.self)
          return (name, name == attribute.rawValue ? value : member.value)
        })
      return try problem(of: changed.line, fileName: event.fileName) != nil
    }
    #expect(try !isFound(required(all[attribute.rawValue])))
    let other = attribute == .data ? JSONValue.object(["id": .string("x")]) : .string("x")
    #expect(try isFound(other) == !EventAttribute.unproven.contains(attribute))
  }

  // MARK: The place

  @Test func eventInAnotherInstancesFolderIsFound() throws {
    #expect(try problem(of: event.line, instance: "beta") == .otherAttribute(.source))
    #expect(
      try problem(replacing: "\"instance\":\"acme\"", with: "\"instance\":\"beta\"")
        == .otherAttribute(.instance))
  }

  @Test func sourceIsTheConfiguredOne() throws {
    #expect(
      try problem(of: event.line, url: "https://other.example") == .otherAttribute(.source))
    #expect(
      try problem(replacing: "\(Self.url)#acme", with: "\(Self.url)#beta")
        == .otherAttribute(.source))
  }

  @Test func sourceEndsInTheInstanceIfNoURLIsConfigured() throws {
    #expect(try problem(of: event.line, url: nil) == nil)
    let line = String(decoding: event.line, as: UTF8.self)
    let other = line.replacing(Self.url, with: "https://elsewhere.example")
    #expect(try problem(of: Array(other.utf8), url: nil) == nil)
    let beta = line.replacing("#acme\"", with: "#beta\"")
    #expect(try problem(of: Array(beta.utf8), url: nil) == .otherAttribute(.source))
    let longer = line.replacing("#acme\"", with: "#xacme\"")
    #expect(try problem(of: Array(longer.utf8), url: nil) == .otherAttribute(.source))
  }

  // MARK: What may be absent, and what may not be there

  @Test(arguments: ["ES512 /elsewhere", "'ES512 /api/webhook.key'", "'ES512 /x"])
  func xSignatureWithTheTokensAlgorithmHolds(value: String) throws {
    #expect(try problem(replacing: "ES512 /api/webhook.key", with: value) == nil)
  }

  @Test(arguments: ["ES256 /api/webhook.key", "ES512", "ES5123 /x", "''ES512 /x", " ES512 /x", ""])
  func xSignatureWithoutTheTokensAlgorithmDoesNotHold(value: String) throws {
    #expect(
      try problem(replacing: "ES512 /api/webhook.key", with: value)
        == .otherAttribute(.xsignature))
  }

  @Test func eventThatCameWithoutAnXSignatureHolds() throws {
    let attributes = try required(StoredEvent(line: event.line)).attributes
    #expect(try problem(of: attributes.removing("xsignature").line) == nil)
  }

  @Test func attributeThatIsInNoRowOfTheTableDoesNotHold() throws {
    let line = try required(StoredEvent(line: event.line)).attributes
      .appending("trace\u{1B}parent", .string("x")).line
    let problem = try required(problem(of: line))
    #expect(problem == .unknownAttribute(Array("trace\u{1B}parent".utf8)))
    #expect(problem.sentence == #"no event has an attribute trace\u{1B}parent"#)
  }
}
