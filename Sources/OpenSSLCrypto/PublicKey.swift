internal import COpenSSL

/// A public key that signatures can be checked with: RSA of 2048 bits or more, a curve of
/// `EllipticCurve`, or Ed25519. Keys that OpenSSL loads but no verifier should use are refused when
/// the key is made.
package final class PublicKey {
  package enum Components: Equatable, Sendable {
    /// Both coordinates in the full width of the curve's field, big endian.
    case ellipticCurve(EllipticCurve, x: [UInt8], y: [UInt8])
    /// Big endian, without leading zero bytes.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    /// 32 bytes, as RFC 8032 §5.1.2 encodes a point.
    case ed25519([UInt8])
  }

  package let components: Components
  private let key: OpaquePointer

  /// Takes ownership of `key`, an `EVP_PKEY`, also when it throws.
  init(owning key: OpaquePointer) throws(PublicKeyError) {
    do throws(PublicKeyError) {
      self.components = try checkedComponents(of: key)
      self.key = key
    } catch {
      EVP_PKEY_free(key)
      ERR_clear_error()
      throw error
    }
  }

  deinit {
    EVP_PKEY_free(key)
  }

  /// Whether `signature` is this key's over `message`. False, too, for a signature of another
  /// length or a scheme that a key of this kind does not have. Any number of threads may ask at
  /// the same time.
  /// - Throws: if it cannot be told.
  package func isValidSignature(
    _ signature: [UInt8], for message: [UInt8], scheme: SignatureScheme
  ) throws(OutOfMemory) -> Bool {
    // The queue belongs to the thread: what is left in it would speak of this request in the next.
    ERR_clear_error()
    defer { ERR_clear_error() }
    switch (components, scheme) {
    case (.ellipticCurve(let curve, _, _), .ecdsa(let hash)):
      guard signature.count == 2 * curve.fieldBytes else { return false }
      let der = try derSignature(fromRaw: signature)
      return try verify(der, message, hash: hash, padding: nil)
    case (.rsa, .rsaPKCS1(let hash)):
      guard hasFullLength(signature) else { return false }
      return try verify(signature, message, hash: hash, padding: RSA_PKCS1_PADDING)
    case (.rsa, .rsaPSS(let hash)):
      guard hasFullLength(signature) else { return false }
      return try verify(signature, message, hash: hash, padding: RSA_PKCS1_PSS_PADDING)
    case (.ed25519, .ed25519):
      return try verify(signature, message, hash: nil, padding: nil)
    default:
      return false
    }
  }

  /// An RSA signature is as long as the modulus (RFC 8017 §8.1.2 step 1); for PSS, only OpenSSL
  /// would take a shorter one.
  private func hasFullLength(_ signature: [UInt8]) -> Bool {
    signature.count == Int(EVP_PKEY_get_size(key))
  }

  /// What is set up for a key that was loaded can fail for one reason alone: there is no memory.
  private func verify(
    _ signature: [UInt8], _ message: [UInt8], hash: HashFunction?, padding: Int32?
  ) throws(OutOfMemory) -> Bool {
    guard let context = EVP_MD_CTX_new() else { throw OutOfMemory() }
    defer { EVP_MD_CTX_free(context) }
    var parameters: OpaquePointer?  // belongs to the context
    guard EVP_DigestVerifyInit(context, &parameters, hash?.method, nil, key) == 1 else {
      throw OutOfMemory()
    }
    if let padding, EVP_PKEY_CTX_set_rsa_padding(parameters, padding) != 1 { throw OutOfMemory() }
    // Never "auto", which takes a salt of any length.
    if padding == RSA_PKCS1_PSS_PADDING,
      EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1
    {
      throw OutOfMemory()
    }
    // 1 is the one documented sign of success. All else may be a bad signature or an error.
    if EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1 {
      return true
    }
    if copenssl_memory_is_short() == 1 { throw OutOfMemory() }
    return false
  }
}

/// Memory was short, so that nothing is known of what was asked.
package struct OutOfMemory: Error, Equatable {}

/// Unchecked only because of the pointer: everything is immutable after `init`, and OpenSSL lets
/// threads share an `EVP_PKEY` that nobody changes (openssl-threads(7)).
extension PublicKey: @unchecked Sendable {}
