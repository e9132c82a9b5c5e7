internal import Glibc
package import DeliverySigning
package import WebhookCore

/// The key pairs in `Tests/Attacks/keys`, whose private halves are public knowledge.
package enum TestKey: String, CaseIterable, Sendable {
  case p256, p384, p521, rsa2048, ed25519
  case otherP521 = "p521-b"

  package var signingKey: SigningKey {
    get throws { try SigningKey(pem: try testFile("Attacks/keys/private/\(rawValue).pem")) }
  }

  package var verificationKeys: [VerificationKey] {
    get throws { try KeyFile(parsing: try testFile("Attacks/keys/\(rawValue).pem")).keys }
  }

  /// The public key's file.
  package var path: String { "\(Repository.root)/Tests/Attacks/keys/\(rawValue).pem" }

  package var algorithm: SignatureAlgorithm {
    switch self {
    case .p256: .es256
    case .p384: .es384
    case .p521, .otherP521: .es512
    case .rsa2048: .rs256
    case .ed25519: .edDSA
    }
  }
}

/// Returns the value of an `Authorization` field with a token of exactly these texts.
package func authorization(
  header: String = #"{"typ":"JWT","alg":"ES512"}"#, payload: String, by key: TestKey = .p521
) throws -> [UInt8] {
  let signingInput = base64URL(Array(header.utf8)) + [0x2E] + base64URL(Array(payload.utf8))
  let signature = try key.signingKey.signature(over: signingInput, with: key.algorithm)
  return Array("Signed ".utf8) + signingInput + [0x2E] + base64URL(signature)
}

/// Returns a payload like the vendor's.
package func examplePayload(
  id: String = "212", kind: String = "export", status: String = "done", issuedAt: Int64
) -> String {
  #"{"id":"\#(id)","kind":"\#(kind)","status":"\#(status)","iat":\#(issuedAt)}"#
}

/// Returns the `Authorization` of a good delivery that is issued now.
package func nowAuthorization(id: String = "212", by key: TestKey = .p521) throws -> [UInt8] {
  try authorization(payload: examplePayload(id: id, issuedAt: Int64(time(nil))), by: key)
}
