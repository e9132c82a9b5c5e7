internal import StrictJSON
internal import TestSupport
internal import Testing

/// The catalogue of attacks again, through the built responder. The responder's clock stands still
/// at the time that each case needs.
@Suite(.serialized, .noHang)
struct AttackCatalogueOverFastCGITests {
  /// Cases that one process can serve, because they share the clock and the top-level settings.
  private struct Group {
    let now: Int64
    let settings: [String]
    var cases: [AttackCase] = []

    func fits(_ attack: AttackCase) -> Bool {
      now == attack.now && settings == topLevelSettings(of: attack)
    }
  }

  private static let groups: [Group] = {
    var groups: [Group] = []
    for attack in AttackCase.all {
      let index = groups.firstIndex { $0.fits(attack) } ?? groups.count
      if index == groups.count {
        groups.append(Group(now: attack.now, settings: topLevelSettings(of: attack)))
      }
      groups[index].cases.append(attack)
    }
    return groups
  }()

  @Test func everyAttackMeetsItsAnswer() async throws {
    var answered = 0
    for group in Self.groups { answered += try await answers(to: group) }
    #expect(answered == 431)
  }

  /// - Returns: the number of cases with the right answer.
  private func answers(to group: Group) async throws -> Int {
    let instances = Dictionary(grouping: group.cases, by: instanceSettings).keys.sorted()
    let configuration =
      (["spool: spool", "minimum-free-bytes: 0"] + group.settings + ["instances:"]
      + instances.enumerated().map { "  i\($0):\n\($1)" }).joined(separator: "\n")
    let (count, exitCode) = try await withResponder(
      configuration: configuration, clock: group.now
    ) { responder in
      var count = 0
      for attack in group.cases {
        let index = try #require(instances.firstIndex(of: instanceSettings(of: attack)))
        let before = responder.folder.files(below: "spool").count
        let response = try responder.deliver(
          authorization: attack.authorization, xSignature: attack.xSignature, hook: attack.hook,
          instance: "i\(index)", body: attack.body)
        let answer = try #require(try JSONValue(parsing: response.body).object)
        #expect(response.status == attack.status, "\(attack.name)")
        #expect(answer["code"] == .string(attack.codeWord), "\(attack.name)")
        let added = responder.folder.files(below: "spool").count - before
        // An accepted delivery leaves the event in new/ and its name in ids/. A refused one leaves
        // nothing.
        #expect(added == (attack.status == 202 ? 2 : 0), "\(attack.name)")
        if answer["code"] == .string(attack.codeWord) { count += 1 }
      }
      return count
    }
    #expect(exitCode == 0)
    return count
  }
}

private func topLevelSettings(of attack: AttackCase) -> [String] {
  settings(of: attack) { !instanceKeys.contains($0) }
}

private let instanceKeys = ["key-location", "x-signature", "audience"]

/// The lines of the instance that a case needs. They are equal for cases that can share an
/// instance.
private func instanceSettings(of attack: AttackCase) -> String {
  let files = attack.keys.map { "\(Repository.root)/Tests/Attacks/\($0)" }
  let lines =
    [
      "url: https://acme.delvesecurity.app", "keys: [\(files.joined(separator: ", "))]",
      "algorithms: [\(attack.algorithms.joined(separator: ", "))]",
    ] + settings(of: attack) { instanceKeys.contains($0) }
  return lines.map { "    \($0)" }.joined(separator: "\n")
}

/// JSON is YAML, so a value can stand in the file unchanged.
private func settings(of attack: AttackCase, where isWanted: (String) -> Bool) -> [String] {
  attack.config.members.compactMap { member in
    let key = String(decoding: member.name, as: UTF8.self)
    let value = String(decoding: member.value.compactText, as: UTF8.self)
    return isWanted(key) ? "\(key): \(value)" : nil
  }
}
