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

  func check(_ claims: Claims) throws(Refusal) {
    guard claims.kind.elementsEqual(kind.utf8), claims.status.elementsEqual(status.utf8) else {
      throw Refusal(.wrongHook)
    }
  }
}
