internal import COpenSSL
package import WebhookCore

/// Why a file's text is not a private key that deliveries can be signed with.
package enum SigningKeyError: Error, Equatable, Sendable {
  case notPrivateKey, unsupportedKey, signingFailed

  package var explanation: String {
    switch self {
    case .notPrivateKey:
      "is not a private key in PEM without a passphrase (openssl genpkey makes one)"
    case .unsupportedKey: "is a key of another kind than the algorithm needs"
    case .signingFailed: "could not sign"
    }
  }
}

/// A private key for test deliveries. The responder never has one.
package final class SigningKey {
  private let key: OpaquePointer

  package init(pem: [UInt8]) throws(SigningKeyError) {
    let key = pem.withUnsafeBytes { bytes -> OpaquePointer? in
      guard let length = Int32(exactly: bytes.count),
        let bio = BIO_new_mem_buf(bytes.baseAddress, length)
      else { return nil }
      defer { BIO_free(bio) }
      // An empty passphrase in place of a prompt on the terminal.
      return PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in 0 }, nil)
    }
    ERR_clear_error()
    guard let key else { throw .notPrivateKey }
    self.key = key
  }

  deinit {
    EVP_PKEY_free(key)
  }

  /// The algorithm that a key of this type is used with if nobody asks for another.
  package var defaultAlgorithm: SignatureAlgorithm? {
    switch EVP_PKEY_get_base_id(key) {
    case EVP_PKEY_RSA: .rs256
    case EVP_PKEY_ED25519: .edDSA
    case EVP_PKEY_EC:
      switch EVP_PKEY_get_bits(key) {
      case 256: .es256
      case 384: .es384
      case 521: .es512
      default: nil
      }
    default: nil
    }
  }

  /// A JWS signature (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1) over `message`.
  package func signature(
    over message: [UInt8], with algorithm: SignatureAlgorithm
  ) throws(SigningKeyError) -> [UInt8] {
    defer { ERR_clear_error() }
    switch algorithm {
    case .es256, .es384, .es512:
      guard defaultAlgorithm == algorithm else { throw .unsupportedKey }
      return try rawSignature(
        fromDER: try sign(message, algorithm), fieldBytes: (Int(EVP_PKEY_get_bits(key)) + 7) / 8)
    case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512:
      guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else { throw .unsupportedKey }
      return try sign(message, algorithm)
    case .edDSA, .ed25519:
      guard EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 else { throw .unsupportedKey }
      return try sign(message, algorithm)
    }
  }

  private func sign(
    _ message: [UInt8], _ algorithm: SignatureAlgorithm
  ) throws(SigningKeyError) -> [UInt8] {
    guard let context = EVP_MD_CTX_new() else { throw .signingFailed }
    defer { EVP_MD_CTX_free(context) }
    var parameters: OpaquePointer?
    guard EVP_DigestSignInit(context, &parameters, algorithm.hash, nil, key) == 1 else {
      throw .signingFailed
    }
    if [.ps256, .ps384, .ps512].contains(algorithm) {
      guard EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1
      else { throw .signingFailed }
    }
    var length = Int(EVP_PKEY_get_size(key))
    var signature = [UInt8](repeating: 0, count: length)
    guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else {
      throw .signingFailed
    }
    return Array(signature.prefix(length))
  }

  /// R and S side by side, each `fieldBytes` wide.
  private func rawSignature(
    fromDER der: [UInt8], fieldBytes: Int
  ) throws(SigningKeyError) -> [UInt8] {
    let signature = der.withUnsafeBufferPointer { bytes in
      var next = bytes.baseAddress
      return d2i_ECDSA_SIG(nil, &next, bytes.count)
    }
    guard let signature else { throw .signingFailed }
    defer { ECDSA_SIG_free(signature) }
    let width = Int32(fieldBytes)
    var r = [UInt8](repeating: 0, count: fieldBytes)
    var s = r
    guard BN_bn2binpad(ECDSA_SIG_get0_r(signature), &r, width) == width,
      BN_bn2binpad(ECDSA_SIG_get0_s(signature), &s, width) == width
    else { throw .signingFailed }
    return r + s
  }
}

extension SignatureAlgorithm {
  fileprivate var hash: OpaquePointer? {
    switch self {
    case .es256, .rs256, .ps256: EVP_sha256()
    case .es384, .rs384, .ps384: EVP_sha384()
    case .es512, .rs512, .ps512: EVP_sha512()
    case .edDSA, .ed25519: nil
    }
  }
}
