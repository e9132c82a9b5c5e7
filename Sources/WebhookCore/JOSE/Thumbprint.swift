internal import OpenSSLCrypto
internal import StrictJSON

/// The SHA-256 thumbprint of a public key (RFC 7638): the same whatever file the key came from.
package struct Thumbprint: Hashable, Sendable {
  /// base64url, 43 characters.
  package let text: String

  /// - Returns: nil if no key can have it.
  package init?(text: [UInt8]) {
    guard Base64URL.decode(text)?.count == 32 else { return nil }
    self.text = String(decoding: text, as: UTF8.self)
  }

  init(of components: PublicKey.Components) {
    let digest = sha256(JSONValue.object(components.requiredMembers).canonicalText)
    text = String(decoding: Base64URL.encode(digest), as: UTF8.self)
  }
}
