/// The curves that a JWS algorithm exists for (RFC 7518 §3.4). The raw value is the JWK name
/// (§6.2.1.1).
package enum EllipticCurve: String, CaseIterable, Sendable {
  case p256 = "P-256"
  case p384 = "P-384"
  case p521 = "P-521"

  /// The width of a coordinate, of R and of S, in bytes.
  package var fieldBytes: Int {
    switch self {
    case .p256: 32
    case .p384: 48
    case .p521: 66
    }
  }

  /// What OpenSSL calls the curve.
  var groupName: String {
    switch self {
    case .p256: "prime256v1"
    case .p384: "secp384r1"
    case .p521: "secp521r1"
    }
  }

  /// The SubjectPublicKeyInfo (RFC 5480 §2) of a key on this curve, up to its point, which must be
  /// uncompressed (`04 || X || Y`).
  var subjectPublicKeyInfoPrefix: [UInt8] {
    // SEQUENCE { SEQUENCE { OID id-ecPublicKey, OID of the curve }, BIT STRING, no unused bits
    switch self {
    case .p256:
      [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
        0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
      ]
    case .p384:
      [
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
        0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
      ]
    case .p521:
      [
        0x30, 0x81, 0x9B, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
        0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
      ]
    }
  }
}
