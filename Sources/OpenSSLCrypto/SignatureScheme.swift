internal import COpenSSL

/// The hash functions that signatures are made with.
package enum HashFunction: Sendable {
  case sha256, sha384, sha512

  /// Static data of the library: never freed.
  var method: OpaquePointer? {
    switch self {
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha512: EVP_sha512()
    }
  }
}

/// How a signature is computed from a message.
package enum SignatureScheme: Equatable, Sendable {
  /// ECDSA, the signature being R and S side by side, each as wide as the curve's field
  /// (RFC 7518 §3.4).
  case ecdsa(HashFunction)
  /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
  case rsaPKCS1(HashFunction)
  /// RSASSA-PSS with MGF1 over the same hash and a salt as long as the hash (RFC 7518 §3.5).
  case rsaPSS(HashFunction)
  /// EdDSA over Ed25519 (RFC 8032 §5.1).
  case ed25519
}
