internal import OpenSSLCrypto
internal import StrictJSON

/// The members of a JWK that a key's problem can lie in (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
package enum JSONWebKeyMember: String, Sendable {
  case kty, crv, x, y, n, e, alg, use
  case keyOperations = "key_ops"

  var requirement: String {
    switch self {
    case .kty, .crv, .alg, .use: "a string"
    case .keyOperations: "an array of strings"
    case .x, .y:
      "base64url without padding, in the full width of the curve, leading zeros included: 32 "
        + "octets for P-256 and Ed25519, 48 for P-384, 66 for P-521 (RFC 7518 §6.2.1.2)"
    case .n, .e: "base64url without padding and without leading zero bytes"
    }
  }
}

/// The key that `jwk` describes.
func jsonWebKey(_ jwk: JSONObject) throws(KeyFileError) -> VerificationKey {
  let type = try requiredString(.kty, of: jwk)
  guard !type.elementsEqual("oct".utf8) else { throw .symmetricKey }
  let privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
  guard !privateMembers.contains(where: { jwk[$0] != nil }) else { throw .privateKey }
  try checkUse(of: jwk)
  let key = try publicKey(ofType: type, in: jwk)
  return VerificationKey(key, pinnedTo: try pinnedAlgorithms(of: jwk, key: key))
}

private func publicKey(
  ofType type: [UInt8], in jwk: JSONObject
) throws(KeyFileError) -> PublicKey {
  switch String(decoding: type, as: UTF8.self) {
  case "EC": try ellipticCurveKey(jwk)
  case "RSA": try rsaKey(jwk)
  case "OKP": try ed25519Key(jwk)
  default: throw .unknownKeyType
  }
}

private func ellipticCurveKey(_ jwk: JSONObject) throws(KeyFileError) -> PublicKey {
  let name = try requiredString(.crv, of: jwk)
  guard let curve = EllipticCurve.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name) })
  else { throw .unknownCurve }
  let x = try requiredBytes(.x, of: jwk)
  let y = try requiredBytes(.y, of: jwk)
  guard x.count == curve.fieldBytes else { throw .malformedMember(.x) }
  guard y.count == curve.fieldBytes else { throw .malformedMember(.y) }
  return try checked { () throws(PublicKeyError) in try PublicKey(on: curve, x: x, y: y) }
}

private func rsaKey(_ jwk: JSONObject) throws(KeyFileError) -> PublicKey {
  let modulus = try requiredBytes(.n, of: jwk)
  let exponent = try requiredBytes(.e, of: jwk)
  guard modulus.first != 0 else { throw .malformedMember(.n) }
  guard exponent.first != 0 else { throw .malformedMember(.e) }
  return try checked { () throws(PublicKeyError) in
    try PublicKey(rsaModulus: modulus, exponent: exponent)
  }
}

private func ed25519Key(_ jwk: JSONObject) throws(KeyFileError) -> PublicKey {
  guard try requiredString(.crv, of: jwk).elementsEqual("Ed25519".utf8) else {
    throw .unknownCurve
  }
  let point = try requiredBytes(.x, of: jwk)
  guard point.count == 32 else { throw .malformedMember(.x) }
  return try checked { () throws(PublicKeyError) in try PublicKey(ed25519: point) }
}

private func checked(
  _ load: () throws(PublicKeyError) -> PublicKey
) throws(KeyFileError) -> PublicKey {
  do throws(PublicKeyError) {
    return try load()
  } catch {
    throw .key(error)
  }
}

private func checkUse(of jwk: JSONObject) throws(KeyFileError) {
  if let use = jwk["use"] {
    guard let use = use.string else { throw .malformedMember(.use) }
    guard use.elementsEqual("sig".utf8) else { throw .notForSignatures }
  }
  if let operations = jwk["key_ops"] {
    guard let operations = operations.array else { throw .malformedMember(.keyOperations) }
    guard operations.contains(.string("verify")) else { throw .notForSignatures }
  }
}

/// What `alg` restricts the key to; nil if it is absent. `EdDSA` and `Ed25519` name one algorithm
/// (RFC 9864 §2.2) and pin the same.
private func pinnedAlgorithms(
  of jwk: JSONObject, key: PublicKey
) throws(KeyFileError) -> Set<SignatureAlgorithm>? {
  guard let member = jwk["alg"] else { return nil }
  guard let name = member.string else { throw .malformedMember(.alg) }
  guard let algorithm = SignatureAlgorithm(name: name),
    SignatureAlgorithm.served(by: key.components).contains(algorithm)
  else { throw .algorithmDoesNotFit }
  return algorithm.scheme == .ed25519 ? [.edDSA, .ed25519] : [algorithm]
}

private func requiredString(
  _ name: JSONWebKeyMember, of jwk: JSONObject
) throws(KeyFileError) -> [UInt8] {
  guard let member = jwk[name.rawValue] else { throw .missingMember(name) }
  guard let string = member.string else { throw .malformedMember(name) }
  return string
}

private func requiredBytes(
  _ name: JSONWebKeyMember, of jwk: JSONObject
) throws(KeyFileError) -> [UInt8] {
  guard let bytes = Base64URL.decode(try requiredString(name, of: jwk)) else {
    throw .malformedMember(name)
  }
  return bytes
}
