/// The steps of a decision, in their order: what a delivery has passed when it is refused by a
/// later one.
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

  /// Whether anybody who reaches the web server can be refused here: no key of the sender's has to
  /// be known for it.
  package var isBeforeSignature: Bool {
    switch self {
    case .configuration, .method, .bodySize, .tokenSize, .authorization, .singleXSignature,
      .tokenShape, .header, .xSignature, .signature:
      true
    case .payload, .claims, .freshness, .audience, .hook, .body: false
    }
  }
}
