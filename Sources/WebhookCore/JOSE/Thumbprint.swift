internal import OpenSSLCrypto
internal import StrictJSON

/// The SHA-256 thumbprint of a public key (RFC 7638): the same whatever file the key came from.
package struct Thumbprint: Hashable, Sendable {
  /// base64url, 43 characters.
  package let text: String

  init(of components: PublicKey.Components) {
    let digest = sha256(JSONValue.object(components.requiredMembers).canonicalText)
    text = String(decoding: Base64URL.encode(digest), as: UTF8.self)
  }
}
