internal import OpenSSLCrypto
internal import StrictJSON

/// A JWK Set (RFC 7517 §5) of the keys, one line of JSON and a newline: what a key file can hold.
/// A key that is pinned to an algorithm stays so.
package func jsonWebKeySet(_ keys: [VerificationKey]) -> [UInt8] {
  let set = JSONObject([("keys", .array(keys.map { .object($0.jsonWebKey) }))])
  return JSONValue.object(set).compactText + [UInt8(ascii: "\n")]
}

extension VerificationKey {
  fileprivate var jsonWebKey: JSONObject {
    var jwk = publicKey.components.requiredMembers.appending("use", .string("sig"))
    if let algorithm = SignatureAlgorithm.allCases.first(where: serves),
      algorithms.allSatisfy({ $0.scheme == algorithm.scheme })
    {
      jwk = jwk.appending("alg", .string(algorithm.rawValue))
    }
    return jwk
  }
}

extension PublicKey.Components {
  /// The members that a JWK of this type must have, sorted by name (RFC 7638 §3.2, RFC 8037 §2).
  var requiredMembers: JSONObject {
    func member(_ name: String, _ bytes: [UInt8]) -> (name: String, value: JSONValue) {
      (name, .string(Base64URL.encode(bytes)))
    }
    switch self {
    case .ellipticCurve(let curve, let x, let y):
      return JSONObject([
        ("crv", .string(curve.rawValue)), ("kty", .string("EC")), member("x", x), member("y", y),
      ])
    case .rsa(let modulus, let exponent):
      return JSONObject([member("e", exponent), ("kty", .string("RSA")), member("n", modulus)])
    case .ed25519(let point):
      return JSONObject([("crv", .string("Ed25519")), ("kty", .string("OKP")), member("x", point)])
    }
  }
}
