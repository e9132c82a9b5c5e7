internal import StrictJSON

/// Why a stored event's proof does not hold.
package enum ProofProblem: String, Error, Sendable {
  case notEvent = "the file is not an event"
  case noToken = "it has no token (jws)"
  case badSignature = "no key made the token's signature"
  case malformedToken = "its token is not one of the vendor's"
  case otherID = "id is not the token's"
  case otherData = "data is not what was signed"
  case otherKey = "keyid is not the key that made the signature"
  case otherAttribute = "type, subject, time or eventkey is not what was signed"
  case otherFileName = "the file's name is not the event's"
}

/// Checks a stored event against the token that it carries: with nothing but public keys, and
/// however long ago it was stored.
/// - Throws: the first thing that does not hold.
package func verifyProof(
  of line: [UInt8], fileName: String, by keys: [VerificationKey]
) throws(ProofProblem) {
  guard let event = StoredEvent(line: line) else { throw .notEvent }
  guard let compact = event.attributes["jws"]?.string else { throw .noToken }
  let (token, claims) = try verifiedClaims(of: compact, by: keys)
  let id = EventID(ofPayload: token.payload)
  guard event["id"] == id.hex else { throw .otherID }
  // Members in their order, numbers as spelled.
  guard event.data.compactText == JSONValue.object(claims.payload).compactText else {
    throw .otherData
  }
  guard event["keyid"] == token.keyID.text else { throw .otherKey }
  let attributes = SignedAttributes(of: claims)
  guard event.attributes["type"] == .string(attributes.type),
    event.attributes["subject"] == .string(attributes.subject),
    event["time"] == attributes.time, event["eventkey"] == eventKey(of: claims.payload)
  else { throw .otherAttribute }
  guard EventFileName(of: claims, id: id).description == fileName else { throw .otherFileName }
}

private func verifiedClaims(
  of compact: [UInt8], by keys: [VerificationKey]
) throws(ProofProblem) -> (VerifiedToken, Claims) {
  let allowed = keys.reduce(into: Set<SignatureAlgorithm>()) { $0.formUnion($1.algorithms) }
  do throws(Refusal) {
    let token = try UnverifiedToken(compact: compact, allowing: allowed).verified(by: keys)
    return (token, try Claims(of: token))
  } catch {
    throw error.reason == .badSignature || error.reason == .algorithmNotAllowed
      ? .badSignature : .malformedToken
  }
}

/// The context attributes that the signed payload alone decides.
struct SignedAttributes {
  let type: [UInt8]
  let subject: [UInt8]
  /// `iat`, RFC 3339.
  let time: String

  init(of claims: Claims) {
    let type = Array("com.delvesecurity.".utf8) + claims.kind + [UInt8(ascii: ".")] + claims.status
    self.type = contextAttribute(type, maxBytes: 512)
    subject = contextAttribute(claims.kind + [UInt8(ascii: "/")] + claims.id, maxBytes: 512)
    time = CalendarDate(secondsSince1970: claims.issuedAt.seconds).rfc3339
  }
}
