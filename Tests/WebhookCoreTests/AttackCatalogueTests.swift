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
    var decision = try Decision(keys: [])
    decision.instances = [try attack.instance]
    decision.policy = attack.policy
    decision.authorization = [attack.authorization].compactMap(\.self)
    decision.xSignature = [attack.xSignature].compactMap(\.self)
    decision.hook = attack.hook.map { [Array($0.utf8)] } ?? []
    decision.body = attack.body
    decision.now = attack.now
    return decision
  }
}
