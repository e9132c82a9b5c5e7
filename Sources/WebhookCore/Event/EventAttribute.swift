/// The attributes of an event, in the order in which they are written. `rules` has a row for each;
/// what a row does not say is not so.
package enum EventAttribute: String, CaseIterable, Sendable {
  case specversion, id, source, type, subject, time, datacontenttype, data
  case recordedtime, instance, hook, requesturi, remoteaddr, eventkey, keyid, xsignature, jws

  package struct Rules: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Every event has it.
    package static let isRequired = Rules(rawValue: 1)
    /// It follows from the signed token, so that a proof covers it.
    package static let isSigned = Rules(rawValue: 2)
    /// It leaves the machine when the event is forwarded.
    package static let leaves = Rules(rawValue: 4)
    /// It leaves the machine if the operator asks for the proof, too.
    package static let leavesWithProof = Rules(rawValue: 8)
    /// It tells a person nothing: equal for every event, or of interest to programs.
    package static let isForPrograms = Rules(rawValue: 16)
    /// Nobody signed it, or not all of it, but a check of the proof finds some changes of it.
    package static let isComparable = Rules(rawValue: 32)
  }

  package var rules: Rules {
    switch self {
    case .specversion: [.isRequired, .leaves, .isForPrograms, .isComparable]
    case .id: [.isRequired, .isSigned, .leaves]
    case .source: [.isRequired, .leaves, .isComparable]
    case .type: [.isRequired, .isSigned, .leaves]
    case .subject: [.isRequired, .isSigned, .leaves]
    case .time: [.isRequired, .isSigned, .leaves]
    case .datacontenttype: [.leaves, .isForPrograms]
    case .data: [.isRequired, .isSigned, .leaves]
    case .recordedtime: [.isRequired, .leaves]
    case .instance: [.isRequired, .leaves, .isComparable]
    case .hook: [.leaves]
    case .requesturi: [.leavesWithProof]
    case .remoteaddr: [.leavesWithProof]
    case .eventkey: [.isRequired, .isSigned, .leaves]
    case .keyid: [.isSigned, .leaves]
    case .xsignature: [.leavesWithProof, .isComparable]
    case .jws: [.leavesWithProof, .isForPrograms, .isComparable]
    }
  }

  /// Those with this rule, in their order.
  package static func all(_ rule: Rules) -> [EventAttribute] {
    allCases.filter { $0.rules.contains(rule) }
  }

  /// Those whose changes no check of the proof finds.
  package static var unproven: [EventAttribute] {
    allCases.filter { $0.rules.isDisjoint(with: [.isSigned, .isComparable]) }
  }
}
