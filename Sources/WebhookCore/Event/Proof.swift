internal import StrictJSON

/// Why a stored event's proof does not hold.
package enum ProofError: Error, Equatable, Sendable {
  case notEvent, noToken, badSignature, malformedToken, otherFileName
  /// The attribute is not what the token says, or the place where the event lies.
  case otherAttribute(EventAttribute)
  /// No event of ours has an attribute of this name.
  case unknownAttribute([UInt8])

  /// Fit for one line of a terminal.
  package var sentence: String {
    switch self {
    case .notEvent: "the file is not an event"
    case .noToken: "it has no token (jws)"
    case .badSignature: "no key made the token's signature"
    case .malformedToken: "its token is not one of the vendor's"
    case .otherFileName: "the file's name is not the event's"
    case .otherAttribute(.keyid): "keyid is not the key that made the signature"
    case .otherAttribute(.source): "source is not its instance's"
    case .otherAttribute(.instance): "instance is not that of its folder"
    case .otherAttribute(.xsignature): "xsignature does not name the token's algorithm"
    case .otherAttribute(let attribute): "\(attribute.rawValue) is not what was signed"
    case .unknownAttribute(let name):
      "no event has an attribute \(printable(String(decoding: name.prefix(64), as: UTF8.self)))"
    }
  }
}

/// Where a stored event lies, and what is known of that place.
package struct EventPlace: Sendable {
  fileprivate let fileName: String
  fileprivate let instance: InstanceName
  private let url: String?

  /// - Parameters:
  ///   - instance: in whose folder of the spool it lies.
  ///   - url: where the instance is on the web; nil if that is not known.
  package init(fileName: String, instance: InstanceName, url: String?) {
    (self.fileName, self.instance, self.url) = (fileName, instance, url)
  }

  /// Whether an event here can come from there. If the instance's URL is not known, its name has to
  /// do.
  fileprivate func canHave(source: [UInt8]) -> Bool {
    guard let url else {
      let end = eventSource(of: instance, at: "").utf8
      return source.suffix(end.count).elementsEqual(end)
    }
    return source.elementsEqual(eventSource(of: instance, at: url).utf8)
  }
}

/// Checks a stored event against the token that it carries and the place where it lies: with
/// nothing but public keys, and however long ago it was stored.
/// - Throws: the first thing that does not hold.
package func verifyProof(
  of line: [UInt8], at place: EventPlace, by keys: [VerificationKey]
) throws(ProofError) {
  guard let event = StoredEvent(line: line) else { throw .notEvent }
  guard let compact = event.attributes[EventAttribute.jws.rawValue]?.string else { throw .noToken }
  // Which key it was stands in the event: most likely no other one has to be tried.
  let keyID = event[.keyid]
  let likely = keys.filter { $0.thumbprint.text == keyID }
  let others = keys.filter { $0.thumbprint.text != keyID }
  let proof = try Proof(compact: compact, at: place, by: likely + others)
  for attribute in EventAttribute.allCases
  where !proof.allows(event.attributes[attribute.rawValue], as: attribute) {
    throw .otherAttribute(attribute)
  }
  for member in event.attributes.members where !isAttribute(member.name) {
    throw .unknownAttribute(member.name)
  }
  guard proof.fileName == place.fileName else { throw .otherFileName }
}

private func isAttribute(_ name: [UInt8]) -> Bool {
  EventAttribute.allCases.contains { $0.rawValue.utf8.elementsEqual(name) }
}

/// A token that a key has signed, and what follows from it for an event's attributes.
private struct Proof {
  private let token: VerifiedToken
  private let algorithm: SignatureAlgorithm
  private let claims: Claims
  private let id: EventID
  private let signed: SignedAttributes
  private let place: EventPlace

  init(
    compact: [UInt8], at place: EventPlace, by keys: [VerificationKey]
  ) throws(ProofError) {
    let allowed = keys.reduce(into: Set<SignatureAlgorithm>()) { $0.formUnion($1.algorithms) }
    do throws(Refusal) {
      let unverified = try UnverifiedToken(compact: compact, allowing: allowed)
      algorithm = unverified.algorithm
      token = try unverified.verified(by: keys)
      claims = try Claims(of: token)
    } catch {
      throw error.reason == .badSignature || error.reason == .algorithmNotAllowed
        ? .badSignature : .malformedToken
    }
    id = EventID(ofPayload: token.payload)
    signed = SignedAttributes(of: claims)
    self.place = place
  }

  var fileName: String { eventFileName(of: claims, id: id) }

  /// Whether an event with this proof can have the value, or none, as this attribute.
  func allows(_ value: JSONValue?, as attribute: EventAttribute) -> Bool {
    /// As text: members in their order, numbers as spelled.
    func isEqual(_ expected: JSONValue) -> Bool { value?.compactText == expected.compactText }
    return switch attribute {
    case .id: isEqual(.string(id.hex))
    case .type: isEqual(.string(signed.type))
    case .subject: isEqual(.string(signed.subject))
    case .time: isEqual(.string(signed.time))
    case .data: isEqual(.object(claims.payload))
    case .eventkey: isEqual(.string(eventKey(of: claims.payload)))
    case .keyid: isEqual(.string(token.keyID.text))
    case .source: value?.string.map(place.canHave) ?? false
    case .instance: isEqual(.string(place.instance.description))
    case .xsignature: value.map { names(algorithm, in: $0) } ?? true
    // The event's other checks: without them there is no event, or no token.
    case .specversion, .jws: true
    // Nobody signed them.
    case .datacontenttype, .recordedtime, .hook, .requesturi, .remoteaddr: true
    }
  }

  private func names(_ algorithm: SignatureAlgorithm, in xSignature: JSONValue) -> Bool {
    xSignature.string.flatMap { XSignatureRule.keyLocation(in: $0, behind: algorithm) } != nil
  }
}

/// The context attributes that follow from the signed payload.
struct SignedAttributes {
  let type: [UInt8]
  let subject: [UInt8]
  /// `iat`, RFC 3339.
  let time: String

  init(of claims: Claims) {
    type = eventType(kind: claims.kind, status: claims.status)
    subject = contextAttribute(claims.kind + [UInt8(ascii: "/")] + claims.id, maxBytes: 512)
    time = CalendarDate(secondsSince1970: claims.issuedAt.seconds).rfc3339
  }
}

/// The attribute `type`.
func eventType(kind: [UInt8], status: [UInt8]) -> [UInt8] {
  let type = Array("com.delvesecurity.".utf8) + kind + [UInt8(ascii: ".")] + status
  return contextAttribute(type, maxBytes: 512)
}
