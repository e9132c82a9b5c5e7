internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// Every case of `Tests/Attacks/attacks.jsonl` has exactly the outcome that it names.
struct AttackCatalogueTests {
  @Test func catalogueIsComplete() {
    #expect(AttackCase.all.count == 431)
  }

  @Test(arguments: AttackCase.all)
  func attackMeetsItsAnswer(attack: AttackCase) throws {
    var stored: Set<EventID> = []
    for name in attack.after {
      let earlier = try required(AttackCase.all.first { $0.name == name })
      if let event = try? decision(for: earlier).event() { stored.insert(event.id) }
    }
    let decision = try decision(for: attack)
    let outcome: Outcome
    do throws(Refusal) {
      let event = try decision.event()
      outcome = stored.contains(event.id) ? .duplicate(event.summary) : .stored(event.summary)
    } catch {
      outcome = .refused(error)
    }
    #expect(outcome.codeWord == attack.codeWord)
    #expect(outcome.status.rawValue == attack.status)
  }

  private func decision(for attack: AttackCase) throws -> Decision {
    let keys = try attack.keys.flatMap { try KeyFile(parsing: testFile("Attacks/\($0)")).keys }
    let config = attack.config
    let locations = strings(config["key-location"])
    var decision = try Decision(
      keys: keys, algorithms: attack.algorithms.compactMap(SignatureAlgorithm.init(rawValue:)),
      xSignatureRule: XSignatureRule(
        policy: strings(config["x-signature"]).first.flatMap(XSignatureRule.Policy.init)
          ?? .require,
        keyLocations: locations.isEmpty ? ["/api/webhook.key"] : locations),
      audience: strings(config["audience"]))
    decision.authorization = [attack.authorization].compactMap(\.self)
    decision.xSignature = [attack.xSignature].compactMap(\.self)
    decision.hook = attack.hook.map { [Array($0.utf8)] } ?? []
    decision.body = attack.body
    decision.now = attack.now
    if let seconds = integer(config["max-age-seconds"]) {
      decision.policy.freshness.maxAgeSeconds = Int64(seconds)
    }
    if let seconds = integer(config["clock-skew-seconds"]) {
      decision.policy.freshness.clockSkewSeconds = Int64(seconds)
    }
    if let bytes = integer(config["max-token-bytes"]) { decision.policy.maxTokenBytes = bytes }
    if let bytes = integer(config["max-body-bytes"]) { decision.policy.maxBodyBytes = bytes }
    if let body = strings(config["body"]).first.flatMap(BodyPolicy.init) {
      decision.policy.body = body
    }
    return decision
  }

  private func integer(_ value: JSONValue?) -> Int? {
    value?.number.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
  }
}
