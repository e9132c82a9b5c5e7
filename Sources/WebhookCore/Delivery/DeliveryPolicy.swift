internal import StrictJSON

/// What is asked of every delivery, whatever its instance.
package struct DeliveryPolicy: Equatable, Sendable {
  package var freshness = Freshness()
  package var body = BodyPolicy.discard
  package var maxBodyBytes = 65536
  package var maxTokenBytes = 8192

  /// The largest `max-token-bytes`: longer values of a header field are not looked at.
  package static let largestMaxTokenBytes = 65_536

  package init() {}
}

/// What the body is held against.
package enum BodyPolicy: String, CaseIterable, Sendable {
  /// The vendor says that the body adds nothing to the signed payload.
  case discard
  /// It must be the payload without its top-level `iat`, as a JSON value.
  case match

  func check(_ body: RequestBody, against claims: Claims) throws(Refusal) {
    switch self {
    case .discard: return
    case .match:
      guard JSONValue.object(claims.payload.removing("iat")).isEqual(toText: body.bytes) else {
        throw Refusal(.bodyMismatch)
      }
    }
  }
}
