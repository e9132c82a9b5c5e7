internal import TestSupport
internal import Testing
internal import WebhookCore

/// A request reaches every refusal that the core can make, and stands beside the nearest accepted
/// request (the catalogue of attacks has them, too).
struct RefusalTests {
  private static let now = Decision.now

  private func changed(
    payload: String = examplePayload(issuedAt: now),
    _ change: (inout Decision) throws -> Void = { _ in }
  ) throws -> Decision {
    var decision = try Decision(payload: payload)
    try change(&decision)
    return decision
  }

  private func requests() throws -> [Refusal.Reason: Decision] {
    let forged = Array("Signed e30.e30.AA".utf8)
    let now = Self.now
    let claims = #""id":"1","kind":"scan","status":"done","iat":\#(now)"#
    return [
      .misconfigured: try changed { $0.hook = [Array("unknown".utf8)] },
      .method: try changed { $0.method = "GET" },
      .bodyTooLarge: try changed { $0.body = [UInt8](repeating: 0x20, count: 65_537) },
      .tokenTooLarge: try changed { $0.authorization = [[UInt8](repeating: 0x41, count: 8_193)] },
      .missingAuthorization: try changed { $0.authorization = [] },
      .malformedAuthorization: try changed { $0.authorization += $0.authorization },
      .missingXSignature: try changed { $0.xSignature = [] },
      .malformedXSignature: try changed { $0.xSignature += $0.xSignature },
      .malformedToken: try changed { $0.authorization = [Array("Signed a.b".utf8)] },
      .malformedHeader: try changed { $0.authorization = [forged] },
      .algorithmNotAllowed: try changed { $0.instances = [$0.instances[0].withoutKeys] },
      .xSignatureMismatch: try changed { $0.xSignature = [Array("ES256 /api/webhook.key".utf8)] },
      .badSignature: try changed { $0.authorization = [try anotherKeysAuthorization()] },
      .malformedPayload: try changed(payload: "[]"),
      .malformedClaims: try changed(payload: "{}"),
      .stale: try changed { $0.now += 301 },
      .future: try changed { $0.now -= 61 },
      .expired: try changed(payload: #"{\#(claims),"exp":\#(now - 60)}"#),
      .notYetValid: try changed(payload: #"{\#(claims),"nbf":\#(now + 61)}"#),
      .audience: try changed(payload: #"{\#(claims),"aud":"other"}"#),
      .wrongHook: try changed { $0.hook = [Array("scan-success".utf8)] },
      .bodyMismatch: try changed { $0.policy.body = .match },
    ]
  }

  private func anotherKeysAuthorization() throws -> [UInt8] {
    try authorization(payload: examplePayload(issuedAt: Self.now), by: .otherP521)
  }

  /// `WebhookResponder`, the spool and libcrypto make these refusals; their tests reach them.
  private static let notOfTheCore: Set<Refusal.Reason> = [
    .malformedBody, .spoolFull, .spoolReadOnly, .spoolPermission, .spoolDescriptors, .spoolIO,
    .spoolClosed, .spoolLocked, .outOfMemory, .overloaded,
  ]

  @Test func everyReasonIsReachedByARequest() throws {
    let requests = try requests()
    #expect(Set(requests.keys) == Set(Refusal.Reason.allCases).subtracting(Self.notOfTheCore))
    for (reason, request) in requests {
      #expect(request.refusal?.reason == reason)
    }
    #expect(try changed().refusal == nil)
  }

  @Test func codeWordsAreAllDifferent() {
    let words = Refusal.Reason.allCases.map(\.codeWord)
    #expect(Set(words).count == words.count)
  }

  @Test(arguments: Refusal.Reason.allCases)
  func codeWordIsLowerCaseWordsAndHyphens(reason: Refusal.Reason) {
    #expect(reason.codeWord.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
  }

  @Test(arguments: Refusal.Reason.allCases)
  func reasonIsToldInASentence(reason: Refusal.Reason) {
    #expect(!reason.facts.sentence.isEmpty)
    #expect(reason.facts.remedy != "")
  }

  /// Only the sender can mend these; of the spool's, the failure has the remedy.
  private static let withoutRemedy: Set<Refusal.Reason> = [
    .method, .malformedAuthorization, .malformedXSignature, .malformedToken, .malformedHeader,
    .spoolFull, .spoolReadOnly, .spoolPermission, .spoolDescriptors, .spoolIO, .spoolClosed,
    .spoolLocked,
  ]

  @Test(arguments: Refusal.Reason.allCases)
  func operatorIsToldWhatCanBeDone(reason: Refusal.Reason) {
    #expect((reason.facts.remedy == nil) == Self.withoutRemedy.contains(reason))
    // Which web server it is, the responder does not know.
    if let remedy = reason.facts.remedy {
      #expect(remedy.contains("Apache") == remedy.contains("nginx"))
    }
  }

  @Test func reasonsStandInTheOrderOfTheirSteps() throws {
    let steps = Refusal.Reason.allCases.compactMap(\.facts.step)
    let places = try steps.map { try required(DecisionStep.allCases.firstIndex(of: $0)) }
    #expect(places == places.sorted())
    #expect(Set(steps) == Set(DecisionStep.allCases))
  }

  /// A repeated delivery may be taken later: the sender is asked to come again.
  @Test(arguments: Refusal.Reason.allCases)
  func reasonsOutsideOfTheCoreHaveNoStep(reason: Refusal.Reason) {
    #expect((reason.facts.step == nil) == (reason.status == .serviceUnavailable))
    let isOfTheCore =
      !reason.codeWord.hasPrefix("spool-") && ![.outOfMemory, .overloaded].contains(reason)
    #expect((reason.facts.step != nil) == isOfTheCore)
  }

  @Test func staleAndFutureSayByHowManySeconds() throws {
    #expect(try changed { $0.now += 301 }.refusal == Refusal(.stale, .seconds(1)))
    #expect(try changed { $0.now += 86_400 }.refusal == Refusal(.stale, .seconds(86_100)))
    #expect(try changed { $0.now -= 70 }.refusal == Refusal(.future, .seconds(10)))
  }

  @Test func instanceMayBeLeftOutWhereThereIsOneAlone() throws {
    var decision = try changed { $0.instance = [Array("acme".utf8)] }
    #expect(decision.refusal == nil)
    decision.instances.append(
      Instance(name: try required(InstanceName("beta")), url: "https://b.example", keys: []))
    #expect(decision.refusal == nil)
    decision.instance = []
    #expect(decision.refusal == Refusal(.misconfigured, .parameter(.instance, .missing)))
  }
}

extension Instance {
  fileprivate var withoutKeys: Instance { Instance(name: name, url: url, keys: []) }
}
