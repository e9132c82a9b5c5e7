package import OpenSSLCrypto
package import StrictJSON

/// The keys in the text of one key file: PEM SPKI, a JWK or a JWK Set (RFC 7517 §4, §5).
package struct KeyFile: Sendable {
  /// A key of a JWK Set that cannot serve (RFC 7517 §5).
  package struct SkippedKey: Sendable {
    /// In the set, from 1.
    package let position: Int
    package let reason: KeyFileError
  }

  /// At least one.
  package let keys: [VerificationKey]
  package let skipped: [SkippedKey]

  package init(parsing text: [UInt8]) throws(KeyFileError) {
    let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let content = text.starts(with: byteOrderMark) ? text.dropFirst(3) : text[...]
    let firstByte = content.first { $0 != 0x20 && !(0x09...0x0D).contains($0) }
    switch firstByte {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      // A byte order mark does not belong there (RFC 8259 §8.1).
      (keys, skipped) = try keysOfJSON(text)
    default:
      do throws(PublicKeyError) {
        keys = [VerificationKey(try PublicKey(pem: Array(content)))]
        skipped = []
      } catch {
        throw .key(error)
      }
    }
  }
}

private func keysOfJSON(
  _ text: [UInt8]
) throws(KeyFileError) -> ([VerificationKey], [KeyFile.SkippedKey]) {
  let json: JSONValue
  do throws(JSONSyntaxError) {
    json = try JSONValue(parsing: text)
  } catch {
    throw .notJSON(error)
  }
  guard let object = json.object else { throw .notObject }
  guard let set = object["keys"] else {
    return ([try jsonWebKey(object)], [])
  }
  guard let elements = set.array else { throw .keysNotArray }
  var keys: [VerificationKey] = []
  var skipped: [KeyFile.SkippedKey] = []
  for (index, element) in elements.enumerated() {
    guard let object = element.object else { throw .notObject }
    do throws(KeyFileError) {
      keys.append(try jsonWebKey(object))
    } catch  where error.isOfAnotherPurpose {
      skipped.append(KeyFile.SkippedKey(position: index + 1, reason: error))
    }
  }
  guard !keys.isEmpty else { throw skipped.first.map { .noneServes($0.reason) } ?? .noKeys }
  return (keys, skipped)
}

/// Why a key file cannot be used.
package indirect enum KeyFileError: Error, Equatable, Sendable {
  case key(PublicKeyError)
  case notJSON(JSONSyntaxError)
  case notObject, keysNotArray, noKeys
  /// - Parameter reason: the first key's.
  case noneServes(_ reason: KeyFileError)
  case unknownKeyType, symmetricKey, privateKey, notForSignatures
  case missingMember(JSONWebKeyMember)
  case malformedMember(JSONWebKeyMember)
  case unknownCurve
  case algorithmDoesNotFit

  /// Whether a set may hold such a key beside others (RFC 7517 §5). A key that is broken, or
  /// secret, must not vanish in silence.
  var isOfAnotherPurpose: Bool {
    switch self {
    case .unknownKeyType, .notForSignatures, .unknownCurve, .algorithmDoesNotFit,
      .key(.rsaTooShort), .key(.unsupportedType), .key(.unsupportedCurve):
      true
    default: false
    }
  }

  /// What is wrong and what would be right, for an operator; to stand behind the file's name.
  package var explanation: String {
    switch self {
    case .key(let problem): problem.explanation
    case .notJSON(let error): "is not JSON: \(error.problem.rawValue), at byte \(error.offset)"
    case .notObject: "is JSON but not a JWK or a JWK Set (RFC 7517): those are objects"
    case .keysNotArray: "is not a JWK Set: keys is not an array"
    case .noKeys: "is a JWK Set without a key that can be used here"
    case .noneServes(let reason):
      "is a JWK Set without a key that can be used here; its first \(reason.explanation)"
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
