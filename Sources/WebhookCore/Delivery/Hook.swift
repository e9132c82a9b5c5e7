/// The kind of event that a location of the web server takes (`DELVE_HOOK`).
package enum Hook: String, CaseIterable, Sendable {
  case scanSuccess = "scan-success"
  case scanFailure = "scan-failure"
  case exportComplete = "export-complete"

  package var kind: String {
    switch self {
    case .scanSuccess, .scanFailure: "scan"
    case .exportComplete: "export"
    }
  }

  package var status: String {
    switch self {
    case .scanSuccess, .exportComplete: "done"
    case .scanFailure: "failed"
    }
  }

  /// The hook that takes such events; nil if none does.
  package init?(takingKind kind: [UInt8], status: [UInt8]) {
    guard let hook = Self.allCases.first(where: { $0.takes(kind: kind, status: status) }) else {
      return nil
    }
    self = hook
  }

  /// The hook that takes events of this type, the attribute of the stored event; nil if none does.
  package init?(takingType type: String) {
    guard let hook = Self.allCases.first(where: { type == eventType($0.kind, $0.status) }) else {
      return nil
    }
    self = hook
  }

  func check(_ claims: Claims) throws(Refusal) {
    guard takes(kind: claims.kind, status: claims.status) else { throw Refusal(.wrongHook) }
  }

  private func takes(kind: [UInt8], status: [UInt8]) -> Bool {
    kind.elementsEqual(self.kind.utf8) && status.elementsEqual(self.status.utf8)
  }
}

extension Hook? {
  /// The kinds of stored events: the hook that takes each; nil for those that none does, which are not
  /// the vendor's today.
  package static let all: [Hook?] = Hook.allCases + [nil]

  /// The kind in a word.
  package var kindName: String { self?.rawValue ?? "other" }
}

private func eventType(_ kind: String, _ status: String) -> String {
  String(decoding: eventType(kind: Array(kind.utf8), status: Array(status.utf8)), as: UTF8.self)
}
