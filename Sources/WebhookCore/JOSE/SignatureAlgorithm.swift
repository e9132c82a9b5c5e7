package import OpenSSLCrypto

/// The JWS algorithms that can be put on an allowlist (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864
/// §2.2). There is no `none` and no `HS*`: they cannot be spelled in this program.
package enum SignatureAlgorithm: String, CaseIterable, Sendable {
  case es256 = "ES256"
  case es384 = "ES384"
  case es512 = "ES512"
  case rs256 = "RS256"
  case rs384 = "RS384"
  case rs512 = "RS512"
  case ps256 = "PS256"
  case ps384 = "PS384"
  case ps512 = "PS512"
  case edDSA = "EdDSA"
  case ed25519 = "Ed25519"

  /// The algorithm of this name, compared byte by byte; upper and lower case differ.
  init?(name: [UInt8]) {
    guard let algorithm = Self.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name) })
    else { return nil }
    self = algorithm
  }

  package var scheme: SignatureScheme {
    switch self {
    case .es256: .ecdsa(.sha256)
    case .es384: .ecdsa(.sha384)
    case .es512: .ecdsa(.sha512)
    case .rs256: .rsaPKCS1(.sha256)
    case .rs384: .rsaPKCS1(.sha384)
    case .rs512: .rsaPKCS1(.sha512)
    case .ps256: .rsaPSS(.sha256)
    case .ps384: .rsaPSS(.sha384)
    case .ps512: .rsaPSS(.sha512)
    case .edDSA, .ed25519: .ed25519
    }
  }

  /// Every algorithm that a key of this type can serve: a curve has exactly one.
  static func served(by components: PublicKey.Components) -> Set<SignatureAlgorithm> {
    switch components {
    case .ellipticCurve(.p256, _, _): [.es256]
    case .ellipticCurve(.p384, _, _): [.es384]
    case .ellipticCurve(.p521, _, _): [.es512]
    case .rsa: [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
    case .ed25519: [.edDSA, .ed25519]
    }
  }
}
