internal import StrictJSON

/// What a verified token claims: every member that the program reads, in its right type.
package struct Claims: Sendable {
  /// A non-empty string, or the integer as it is spelled. UTF-8 bytes, as all of these.
  package let id: [UInt8]
  package let kind: [UInt8]
  package let status: [UInt8]
  /// `iat`.
  package let issuedAt: NumericDate
  /// `exp` and `nbf`.
  let expiresAt: NumericDate?
  let notBefore: NumericDate?
  /// `aud`; nil if it is absent.
  let audience: [[UInt8]]?
  /// The whole payload; members that nobody knows included.
  let payload: JSONObject

  /// - Throws: `malformed-payload` if the payload is not one strict JSON object, `malformed-claims`
  ///   if a member is missing or of another type.
  package init(of token: VerifiedToken) throws(Refusal) {
    guard let payload = (try? JSONValue(parsing: token.payload))?.object else {
      throw Refusal(.malformedPayload)
    }
    guard let id = identifier(in: payload),
      let kind = payload["kind"]?.string, !kind.isEmpty,
      let status = payload["status"]?.string, !status.isEmpty,
      let issuedAt = payload["iat"].flatMap(NumericDate.init(claim:))
    else { throw Refusal(.malformedClaims) }
    self.id = id
    self.kind = kind
    self.status = status
    self.issuedAt = issuedAt
    self.payload = payload
    expiresAt = try Self.optional(payload["exp"], NumericDate.init(claim:))
    notBefore = try Self.optional(payload["nbf"], NumericDate.init(claim:))
    audience = try Self.optional(payload["aud"], Self.audience)
  }

  /// A member that may be absent, but if it is there must be right; `null` is there.
  private static func optional<Value>(
    _ member: JSONValue?, _ convert: (JSONValue) -> Value?
  ) throws(Refusal) -> Value? {
    guard let member else { return nil }
    guard let value = convert(member) else { throw Refusal(.malformedClaims) }
    return value
  }

  /// One string or an array of strings (RFC 7519 §4.1.3).
  private static func audience(_ member: JSONValue) -> [[UInt8]]? {
    if let one = member.string { return [one] }
    guard let elements = member.array else { return nil }
    let names = elements.compactMap(\.string)
    return names.count == elements.count ? names : nil
  }
}

/// The sender's id in a payload: a non-empty string, or an integer as it is spelled.
func identifier(in payload: JSONObject) -> [UInt8]? {
  switch payload["id"] {
  case .string(let bytes): bytes.isEmpty ? nil : bytes
  // By the grammar of JSON numbers, what has neither fraction nor exponent is an integer.
  case .number(let spelling): spelling.contains { ".eE".utf8.contains($0) } ? nil : spelling
  default: nil
  }
}
