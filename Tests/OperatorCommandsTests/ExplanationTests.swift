@testable internal import OperatorCommands
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

struct ExplanationTests {
  private static let issuedAt: Int64 = 1_790_000_000

  /// A good delivery of the vendor's, as somebody captured it.
  private func request(
    method: String = "POST", body: String = "{}", contentLength: String? = "2",
    by key: TestKey = .p521
  ) throws -> String {
    let token = try authorization(payload: examplePayload(issuedAt: Self.issuedAt), by: key)
    return "\(method) /webhooks/delve/any HTTP/1.1\r\n"
      + "Authorization: \(String(decoding: token, as: UTF8.self))\r\n"
      + "X-Signature: ES512 /api/webhook.key\r\n"
      + (contentLength.map { "Content-Length: \($0)\r\n" } ?? "") + "\r\n\(body)"
  }

  private func explanation(
    of request: String, hook: Hook? = nil, policy: DeliveryPolicy = DeliveryPolicy(),
    now: Int64 = issuedAt
  ) throws -> Explanation {
    try Explanation(
      Question(
        request: CapturedRequest(parsing: Array(request.utf8)), instance: exampleInstance(),
        hook: hook, policy: policy, now: Timestamp(seconds: now)))
  }

  private func note(on step: DecisionStep, in explanation: Explanation) -> String? {
    explanation.steps.first { $0.step == step }?.note
  }

  // MARK: Accepted

  @Test func acceptedDeliveryHasPassedEveryStep() throws {
    let explanation = try explanation(of: request())
    #expect(explanation.refusal == nil)
    #expect(explanation.status == .accepted)
    #expect(explanation.codeWord == "stored")
    #expect(explanation.steps.map(\.step) == DecisionStep.allCases)
    #expect(explanation.steps.allSatisfy { $0.verdict == .passed })
  }

  @Test func acceptedDeliveryIsTold() throws {
    let explanation = try explanation(of: request(), hook: .exportComplete)
    #expect(note(on: .configuration, in: explanation) == "instance acme, hook export-complete")
    #expect(
      note(on: .signature, in: explanation)
        == "made by the key with the thumbprint "
        + "\(try TestKey.p521.verificationKeys[0].thumbprint.text)")
    #expect(note(on: .claims, in: explanation) == "com.delvesecurity.export.done, export/212")
    let event = try exampleEvent(issuedAt: Self.issuedAt)
    #expect(note(on: .body, in: explanation)?.contains(event.fileName) == true)
  }

  @Test func tokenWithoutARequestIsAccepted() throws {
    let token = try authorization(payload: examplePayload(issuedAt: Self.issuedAt))
    let explanation = try Explanation(
      Question(
        request: CapturedRequest(parsing: token), instance: exampleInstance().withoutXSignature,
        hook: nil, policy: DeliveryPolicy(), now: Timestamp(seconds: Self.issuedAt)))
    #expect(explanation.codeWord == "stored")
    #expect(note(on: .configuration, in: explanation) == "instance acme, any hook")
  }

  // MARK: Refused

  /// The steps up to the one that refuses were passed, and those behind it were not reached.
  private func expectRefusal(
    _ reason: Refusal.Reason, at step: DecisionStep, in explanation: Explanation,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    #expect(explanation.refusal?.reason == reason, sourceLocation: location)
    #expect(explanation.status == reason.status, sourceLocation: location)
    #expect(explanation.codeWord == reason.codeWord, sourceLocation: location)
    let index = try #require(DecisionStep.allCases.firstIndex(of: step))
    let verdicts = explanation.steps.map(\.verdict)
    #expect(verdicts.prefix(index).allSatisfy { $0 == .passed }, sourceLocation: location)
    #expect(verdicts[index] == .refused, sourceLocation: location)
    #expect(
      verdicts.dropFirst(index + 1).allSatisfy { $0 == .notReached }, sourceLocation: location)
    let note = note(on: step, in: explanation)
    #expect(note?.hasPrefix("\(reason.codeWord): ") == true, sourceLocation: location)
  }

  @Test func methodIsTheFirstStepOfARequestThatCanRefuse() throws {
    try expectRefusal(.method, at: .method, in: explanation(of: request(method: "GET")))
  }

  @Test func signatureOfAnotherKeyIsRefusedInTheMiddle() throws {
    try expectRefusal(.badSignature, at: .signature, in: explanation(of: request(by: .otherP521)))
  }

  @Test func staleDeliveryIsRefusedAndSaysByHowManySeconds() throws {
    #expect(try explanation(of: request(), now: Self.issuedAt + 300).refusal == nil)
    let explanation = try explanation(of: request(), now: Self.issuedAt + 302)
    try expectRefusal(.stale, at: .freshness, in: explanation)
    #expect(note(on: .freshness, in: explanation)?.contains("by 2 s") == true)
  }

  @Test func eventOfAnotherHookIsRefused() throws {
    try expectRefusal(
      .wrongHook, at: .hook, in: explanation(of: request(), hook: .scanSuccess))
  }

  @Test func bodyThatIsNotThePayloadIsRefusedAtTheLastStep() throws {
    var policy = DeliveryPolicy()
    policy.body = .match
    try expectRefusal(.bodyMismatch, at: .body, in: explanation(of: request(), policy: policy))
    let body = #"{"id":"212","kind":"export","status":"done"}"#
    let same = try request(body: body, contentLength: "\(body.utf8.count)")
    #expect(try explanation(of: same, policy: policy).refusal == nil)
  }

  @Test(arguments: ["3", "-2", "two", "+2"])
  func bodyThatIsNotAsLongAsItSaysIsRefused(contentLength: String) throws {
    try expectRefusal(
      .malformedBody, at: .bodySize,
      in: explanation(of: request(contentLength: contentLength)))
  }

  @Test(arguments: ["2", "1", "0", "-1", "", nil])
  func bodyIsReadToItsLength(contentLength: String?) throws {
    #expect(try explanation(of: request(contentLength: contentLength)).refusal == nil)
  }

  // MARK: As JSON

  @Test func verdictsAreToldInJSON() throws {
    let json = try explanation(of: request(by: .otherP521)).json
    #expect(json["status"] == .number(401))
    #expect(json["code"] == .string("bad-signature"))
    let steps = try #require(json["steps"]?.array).compactMap(\.object)
    #expect(steps.count == DecisionStep.allCases.count)
    #expect(
      steps.first
        == [
          "step": .string("configuration"), "verdict": .string("passed"),
          "note": .string("instance acme, any hook"),
        ])
    #expect(steps.last == ["step": .string("body"), "verdict": .string("not reached")])
  }
}
