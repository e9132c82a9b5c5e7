internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

struct ProofTests {
  private let event: Event
  private let keys: [VerificationKey]

  init() throws {
    event = try exampleEvent(id: "50% é")
    keys = try TestKey.p521.verificationKeys
  }

  private func problem(
    replacing old: String = "", with new: String = "", fileName: String? = nil,
    by keys: [VerificationKey]? = nil
  ) -> ProofError? {
    let line = String(decoding: event.line, as: UTF8.self).replacing(old, with: new)
    do throws(ProofError) {
      try verifyProof(
        of: Array(line.utf8), fileName: fileName ?? event.fileName.description,
        by: keys ?? self.keys)
      return nil
    } catch {
      return error
    }
  }

  @Test func eventAsItWasStoredHolds() throws {
    #expect(problem() == nil)
    #expect(problem(by: try TestKey.otherP521.verificationKeys + keys) == nil)
  }

  @Test func eventWhosePayloadHasAllLevelsIsReadBack() throws {
    let nested = String(repeating: "[", count: 127) + String(repeating: "]", count: 127)
    let payload =
      #"{"id":"1","kind":"scan","status":"done","iat":\#(Decision.now),"deep":\#(nested)}"#
    let deep = try Decision(payload: payload).event()
    try verifyProof(of: deep.line, fileName: deep.fileName.description, by: keys)
  }

  @Test func whateverIsChangedIsFound() throws {
    #expect(problem(replacing: "\"specversion\"", with: "\"version\"") == .notEvent)
    #expect(problem(replacing: "\"jws\"", with: "\"token\"") == .noToken)
    #expect(problem(replacing: "\"jws\":\"", with: "\"jws\":\"x.") == .malformedToken)
    #expect(
      problem(replacing: event.id.hex, with: String(event.id.hex.reversed()))
        == .otherAttribute(.id))
    #expect(
      problem(replacing: "\"kind\":\"export\"", with: "\"kind\":\"scan\"") == .otherAttribute(.data)
    )
    #expect(
      problem(replacing: "\"iat\":1790000000", with: "\"iat\":1790000000.0")
        == .otherAttribute(.data))
    #expect(problem(replacing: "export.done", with: "export.failed") == .otherAttribute(.type))
    #expect(problem(replacing: "14:13:20Z", with: "14:13:21Z") == .otherAttribute(.time))
    #expect(problem(replacing: "\"keyid\":\"", with: "\"keyid\":\"x") == .otherAttribute(.keyid))
    #expect(problem(fileName: "other.json") == .otherFileName)
    #expect(problem(by: try TestKey.otherP521.verificationKeys) == .badSignature)
    #expect(problem(by: try TestKey.p256.verificationKeys) == .badSignature)
    #expect(problem(by: []) == .badSignature)
  }
}
