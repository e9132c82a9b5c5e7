package import OpenSSLCrypto

/// A configured public key and the algorithms that it serves.
package struct VerificationKey: Sendable {
  package let publicKey: PublicKey
  package let thumbprint: Thumbprint
  /// What the key's type allows, or less if a JWK's `alg` pins it.
  package let algorithms: Set<SignatureAlgorithm>

  init(_ publicKey: PublicKey, pinnedTo pinned: Set<SignatureAlgorithm>? = nil) {
    self.publicKey = publicKey
    thumbprint = Thumbprint(of: publicKey.components)
    algorithms = pinned ?? SignatureAlgorithm.served(by: publicKey.components)
  }

  /// For example `EC P-521` or `RSA 2048 bits`.
  package var typeName: String {
    switch publicKey.components {
    case .ellipticCurve(let curve, _, _): "EC \(curve.rawValue)"
    case .rsa(let modulus, _):
      "RSA \(modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)) bits"
    case .ed25519: "Ed25519"
    }
  }

  package func serves(_ algorithm: SignatureAlgorithm) -> Bool { algorithms.contains(algorithm) }

  /// Whether the key serves the algorithm and made the signature.
  func isValidSignature(
    _ signature: [UInt8], for signingInput: [UInt8], algorithm: SignatureAlgorithm
  ) throws(OutOfMemory) -> Bool {
    guard serves(algorithm) else { return false }
    return try publicKey.isValidSignature(signature, for: signingInput, scheme: algorithm.scheme)
  }
}
