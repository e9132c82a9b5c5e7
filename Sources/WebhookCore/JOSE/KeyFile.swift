package import OpenSSLCrypto
package import StrictJSON

/// The keys in the text of one key file: PEM SPKI, a JWK or a JWK Set (RFC 7517 §4, §5).
package struct KeyFile: Sendable {
  /// At least one.
  package let keys: [VerificationKey]

  package init(parsing text: [UInt8]) throws(KeyFileError) {
    let firstByte = text.first { $0 != 0x20 && !(0x09...0x0D).contains($0) }
    switch firstByte {
    case UInt8(ascii: "{"), UInt8(ascii: "["), 0xEF:  // 0xEF begins a byte order mark
      keys = try keysOfJSON(text)
    default:
      do throws(PublicKeyError) {
        keys = [VerificationKey(try PublicKey(pem: text))]
      } catch {
        throw .key(error)
      }
    }
  }
}

private func keysOfJSON(_ text: [UInt8]) throws(KeyFileError) -> [VerificationKey] {
  let json: JSONValue
  do throws(JSONSyntaxError) {
    json = try JSONValue(parsing: text)
  } catch {
    throw .notJSON(error)
  }
  guard let object = json.object else { throw .notObject }
  guard let set = object["keys"] else {
    guard let key = try jsonWebKey(object) else { throw .unknownKeyType }
    return [key]
  }
  guard let elements = set.array else { throw .keysNotArray }
  let keys = try usableKeys(of: elements)
  guard !keys.isEmpty else { throw .noKeys }
  return keys
}

/// A key of an unknown type is skipped (RFC 7517 §5); a broken one is an error, for it must not
/// vanish in silence.
private func usableKeys(of elements: [JSONValue]) throws(KeyFileError) -> [VerificationKey] {
  var keys: [VerificationKey] = []
  for element in elements {
    guard let object = element.object else { throw .notObject }
    if let key = try jsonWebKey(object) { keys.append(key) }
  }
  return keys
}

/// Why a key file cannot be used.
package enum KeyFileError: Error, Equatable, Sendable {
  case key(PublicKeyError)
  case notJSON(JSONSyntaxError)
  case notObject, keysNotArray, noKeys
  case unknownKeyType, symmetricKey, privateKey, notForSignatures
  case missingMember(JSONWebKeyMember)
  case malformedMember(JSONWebKeyMember)
  case unknownCurve
  case algorithmDoesNotFit

  /// What is wrong and what would be right, for an operator; to stand behind the file's name.
  package var explanation: String {
    switch self {
    case .key(let problem): problem.explanation
    case .notJSON(let error): "is not JSON: \(error.problem.rawValue), at byte \(error.offset)"
    case .notObject: "is JSON but not a JWK or a JWK Set (RFC 7517): those are objects"
    case .keysNotArray: "is not a JWK Set: keys is not an array"
    case .noKeys: "is a JWK Set without a key that can be used here"
    case .unknownKeyType: "holds a JWK whose kty is not EC, RSA or OKP (case counts)"
    case .symmetricKey: "holds a symmetric key (kty oct): only public keys belong here"
    case .privateKey: "holds a private key: only the public members belong here"
    case .notForSignatures:
      "holds a key that is not for checking signatures: use must be sig, key_ops contain verify"
    case .missingMember(let member): "holds a JWK without \(member.rawValue)"
    case .malformedMember(let member):
      "holds a JWK whose \(member.rawValue) is malformed: \(member.requirement)"
    case .unknownCurve: "holds a JWK whose crv is not P-256, P-384, P-521 or Ed25519"
    case .algorithmDoesNotFit: "holds a JWK whose alg is not an algorithm of its key"
    }
  }
}
