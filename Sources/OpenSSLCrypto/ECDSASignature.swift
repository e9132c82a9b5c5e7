internal import COpenSSL

/// The DER form (RFC 3279 §2.2.3) of a signature that is R and S side by side, each half of it.
/// Whether they are in range is the verifier's question.
func derSignature(fromRaw raw: [UInt8]) throws(OutOfMemory) -> [UInt8] {
  let width = raw.count / 2
  guard let signature = ECDSA_SIG_new() else { throw OutOfMemory() }
  defer { ECDSA_SIG_free(signature) }
  let numbers = raw.withUnsafeBufferPointer { bytes in
    (
      r: BN_bin2bn(bytes.baseAddress, Int32(width), nil),
      s: BN_bin2bn(bytes.baseAddress.map { $0 + width }, Int32(width), nil)
    )
  }
  guard ECDSA_SIG_set0(signature, numbers.r, numbers.s) == 1 else {
    BN_free(numbers.r)
    BN_free(numbers.s)
    throw OutOfMemory()
  }
  var der: UnsafeMutablePointer<UInt8>?
  let length = i2d_ECDSA_SIG(signature, &der)
  defer { CRYPTO_free(der, #file, #line) }
  guard length > 0 else { throw OutOfMemory() }
  return Array(UnsafeBufferPointer(start: der, count: Int(length)))
}
