internal import COpenSSL

/// The SHA-256 digest (FIPS 180-4) of `message`: 32 bytes.
package func sha256(_ message: [UInt8]) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { digest, count in
    // It can fail only if memory is short, and an event without an identity must not be stored.
    precondition(SHA256(message, message.count, digest.baseAddress) != nil, "SHA-256 failed")
    count = digest.count
  }
}
