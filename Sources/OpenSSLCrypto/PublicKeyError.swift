/// Why something is not a key that signatures may be checked with.
package enum PublicKeyError: Error, Equatable, Sendable {
  // The PEM text around the key.
  case notPEM, malformedPEM, emptyPEM, moreThanOneBlock, textBehindBlock
  case privateKey, certificate, pkcs1, otherLabel
  // The key itself.
  case malformedKey, trailingBytes
  case unsupportedType, unsupportedCurve, explicitParameters, invalidPoint, smallOrderPoint
  case rsaTooShort(bits: Int)
  case invalidRSA
  case outOfMemory

  /// What is wrong and what would be right, for an operator.
  package var explanation: String {
    switch self {
    case .notPEM:
      "is not a key file: expected PEM (-----BEGIN PUBLIC KEY-----), a JWK or a JWK Set"
    case .malformedPEM: "is damaged PEM: fetch or copy the whole file again"
    case .emptyPEM: "is empty: fetch or copy the key again"
    case .moreThanOneBlock:
      "holds more than one PEM block: put each key into a file of its own and list them all"
    case .textBehindBlock: "has text behind the PEM block: remove it"
    case .privateKey:
      "holds a private key: only the public key belongs here (openssl pkey -pubout)"
    case .certificate:
      "holds a certificate: take the key out of it (openssl x509 -pubkey -noout)"
    case .pkcs1: "holds PKCS #1: convert it to SPKI (openssl rsa -RSAPublicKey_in -pubout)"
    case .otherLabel: "holds a PEM block that is not a PUBLIC KEY"
    case .malformedKey: "holds something that is not a SubjectPublicKeyInfo (RFC 5280 §4.1)"
    case .trailingBytes: "has bytes behind the key inside the PEM block"
    case .unsupportedType: "holds a key that is neither RSA, EC nor Ed25519"
    case .unsupportedCurve: "holds a key on a curve that is not P-256, P-384 or P-521"
    case .explicitParameters:
      "writes its curve out instead of naming it, which RFC 5480 §2.1.1 forbids"
    case .invalidPoint: "holds a point that is not a public key of its curve"
    case .smallOrderPoint: "holds an Ed25519 point of small order, which anyone can sign for"
    case .rsaTooShort(let bits):
      "holds an RSA key of \(bits) bits: at least 2048 are needed (RFC 7518 §3.3)"
    case .invalidRSA: "holds an RSA key whose modulus or exponent is not one"
    case .outOfMemory: "could not be loaded: out of memory"
    }
  }
}
