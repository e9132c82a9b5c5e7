internal import OpenSSLCrypto
internal import StrictJSON

/// The SHA-256 thumbprint of a public key (RFC 7638): the same whatever file the key came from.
package struct Thumbprint: Hashable, Sendable {
  /// base64url, 43 characters.
  package let text: String

  /// Only the members that RFC 7638 §3.2 and RFC 8037 §2 require count, sorted by name.
  init(of components: PublicKey.Components) {
    func member(_ name: String, _ bytes: [UInt8]) -> (name: String, value: JSONValue) {
      (name, .string(Base64URL.encode(bytes)))
    }
    let jwk: JSONObject
    switch components {
    case .ellipticCurve(let curve, let x, let y):
      jwk = JSONObject([
        ("crv", .string(curve.rawValue)), ("kty", .string("EC")), member("x", x), member("y", y),
      ])
    case .rsa(let modulus, let exponent):
      jwk = JSONObject([member("e", exponent), ("kty", .string("RSA")), member("n", modulus)])
    case .ed25519(let point):
      jwk = JSONObject([
        ("crv", .string("Ed25519")), ("kty", .string("OKP")), member("x", point),
      ])
    }
    let digest = sha256(JSONValue.object(jwk).canonicalText)
    text = String(decoding: Base64URL.encode(digest), as: UTF8.self)
  }
}
