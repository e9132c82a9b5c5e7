internal import StrictJSON

/// Why a stored event's proof does not hold.
package enum ProofError: Error, Equatable, Sendable {
  case notEvent, noToken, badSignature, malformedToken, otherFileName
  /// The attribute is not what the token says.
  case otherAttribute(EventAttribute)

  package var sentence: String {
    switch self {
    case .notEvent: "the file is not an event"
    case .noToken: "it has no token (jws)"
    case .badSignature: "no key made the token's signature"
    case .malformedToken: "its token is not one of the vendor's"
    case .otherFileName: "the file's name is not the event's"
    case .otherAttribute(.keyid): "keyid is not the key that made the signature"
    case .otherAttribute(let attribute): "\(attribute.rawValue) is not what was signed"
    }
  }
}

/// Checks a stored event against the token that it carries: with nothing but public keys, and
/// however long ago it was stored.
/// - Throws: the first thing that does not hold.
package func verifyProof(
  of line: [UInt8], fileName: String, by keys: [VerificationKey]
) throws(ProofError) {
  guard let event = StoredEvent(line: line) else { throw .notEvent }
  guard let compact = event.attributes[EventAttribute.jws.rawValue]?.string else { throw .noToken }
  let (token, claims) = try verifiedClaims(of: compact, by: keys)
  let id = EventID(ofPayload: token.payload)
  let signed = SignedAttributes(of: claims)
  for attribute in EventAttribute.all(.isSigned) {
    let expected: JSONValue? =
      switch attribute {
      case .id: .string(id.hex)
      case .type: .string(signed.type)
      case .subject: .string(signed.subject)
      case .time: .string(signed.time)
      case .data: .object(claims.payload)
      case .eventkey: .string(eventKey(of: claims.payload))
      case .keyid: .string(token.keyID.text)
      case .specversion, .source, .datacontenttype, .recordedtime, .instance, .hook, .requesturi,
        .remoteaddr, .xsignature, .jws:
        nil
      }
    // As text: members in their order, numbers as spelled.
    guard event.attributes[attribute.rawValue]?.compactText == expected?.compactText else {
      throw .otherAttribute(attribute)
    }
  }
  guard eventFileName(of: claims, id: id) == fileName else { throw .otherFileName }
}

private func verifiedClaims(
  of compact: [UInt8], by keys: [VerificationKey]
) throws(ProofError) -> (VerifiedToken, Claims) {
  let allowed = keys.reduce(into: Set<SignatureAlgorithm>()) { $0.formUnion($1.algorithms) }
  do throws(Refusal) {
    let token = try UnverifiedToken(compact: compact, allowing: allowed).verified(by: keys)
    return (token, try Claims(of: token))
  } catch {
    throw error.reason == .badSignature || error.reason == .algorithmNotAllowed
      ? .badSignature : .malformedToken
  }
}

/// The context attributes that follow from the signed payload.
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
