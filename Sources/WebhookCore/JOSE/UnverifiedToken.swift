internal import OpenSSLCrypto

/// A compact JWS (RFC 7515 §7.1) of good shape whose signature nobody has checked yet.
/// Payload and signature are private: no claim can be read before `verified(by:)`.
package struct UnverifiedToken: Sendable {
  package let algorithm: SignatureAlgorithm
  private let compact: [UInt8]
  private let signingInput: [UInt8]
  private let payload: [UInt8]
  private let signature: [UInt8]

  /// Three parts, none empty, each in canonical base64url; then the header.
  package init(
    compact: [UInt8], allowing allowed: Set<SignatureAlgorithm>
  ) throws(Refusal) {
    let dot = UInt8(ascii: ".")
    guard let first = compact.firstIndex(of: dot),
      let second = compact[(first + 1)...].firstIndex(of: dot)
    else { throw Refusal(.malformedToken) }
    let parts = (compact[..<first], compact[(first + 1)..<second], compact[(second + 1)...])
    guard !parts.0.isEmpty, !parts.1.isEmpty, !parts.2.isEmpty,
      let header = Base64URL.decode(parts.0),
      let payload = Base64URL.decode(parts.1),
      let signature = Base64URL.decode(parts.2)  // a third dot is not base64url
    else { throw Refusal(.malformedToken) }
    algorithm = try ProtectedHeader(parsing: header, allowing: allowed).algorithm
    self.compact = compact
    self.payload = payload
    self.signature = signature
    signingInput = Array(compact[..<second])
  }

  /// Checks the signature with every configured key of the header's algorithm.
  /// The token never chooses a key: `kid`, `jwk`, `jku` and `x5u` are not read (RFC 8725 §3.10).
  package func verified(by keys: [VerificationKey]) throws(Refusal) -> VerifiedToken {
    for key in keys {
      do throws(OutOfMemory) {
        guard try key.isValidSignature(signature, for: signingInput, algorithm: algorithm) else {
          continue
        }
      } catch {
        throw Refusal(.outOfMemory)
      }
      return VerifiedToken(payload: payload, compact: compact, keyID: key.thumbprint)
    }
    throw Refusal(.badSignature)
  }
}

/// Proof that a configured key signed `payload`. Only `verified(by:)`, above, can make one:
/// keep this type in this file and its `init` fileprivate.
package struct VerifiedToken: Sendable {
  package let payload: [UInt8]
  /// The whole token, as it was received.
  package let compact: [UInt8]
  package let keyID: Thumbprint

  fileprivate init(payload: [UInt8], compact: [UInt8], keyID: Thumbprint) {
    (self.payload, self.compact, self.keyID) = (payload, compact, keyID)
  }
}
