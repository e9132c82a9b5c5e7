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
}
