/// The steps of a decision, in their order: what a delivery has passed when it is refused by a later
/// one.
package enum DecisionStep: String, CaseIterable, Sendable {
  case configuration, method
  case bodySize = "body size"
  case tokenSize = "token size"
  case authorization
  case singleXSignature = "x-signature present"
  case tokenShape = "token shape"
  case header
  case xSignature = "x-signature"
  case signature, payload, claims, freshness, audience, hook, body
}

extension Refusal.Reason {
  /// The step that refuses for this reason; nil for the spool's reasons.
  package var step: DecisionStep? {
    switch self {
    case .misconfigured: .configuration
    case .method: .method
    case .bodyTooLarge, .malformedBody: .bodySize
    case .tokenTooLarge: .tokenSize
    case .missingAuthorization, .malformedAuthorization: .authorization
    case .missingXSignature, .malformedXSignature: .singleXSignature
    case .malformedToken: .tokenShape
    case .malformedHeader, .algorithmNotAllowed: .header
    case .xSignatureMismatch: .xSignature
    case .badSignature: .signature
    case .malformedPayload: .payload
    case .malformedClaims: .claims
    case .stale, .future, .expired, .notYetValid: .freshness
    case .audience: .audience
    case .wrongHook: .hook
    case .bodyMismatch: .body
    case .spoolFull, .spoolReadOnly, .spoolPermission, .spoolDescriptors, .spoolIO, .spoolClosed:
      nil
    }
  }
}
