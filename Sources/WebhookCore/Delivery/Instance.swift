/// A configured instance of the vendor's service: whose deliveries these are, and how they are
/// checked. Immutable: a change of configuration or keys makes a new one.
package struct Instance: Sendable {
  package let name: InstanceName
  package let url: String
  package let keys: [VerificationKey]
  package private(set) var xSignature: XSignatureRule
  private let audience: [[UInt8]]
  /// What is both on the allowlist and served by a key.
  package let usableAlgorithms: Set<SignatureAlgorithm>

  package init(
    name: InstanceName, url: String, keys: [VerificationKey],
    algorithms: [SignatureAlgorithm] = [.es512], xSignature: XSignatureRule = XSignatureRule(),
    audience: [String] = []
  ) {
    self.name = name
    self.url = url
    self.keys = keys
    self.xSignature = xSignature
    self.audience = audience.map { Array($0.utf8) }
    usableAlgorithms = Set(
      algorithms.filter { algorithm in keys.contains { $0.serves(algorithm) } })
  }

  /// The same without asking for an `X-Signature`: for a token that no request is around.
  package var withoutXSignature: Instance {
    var copy = self
    copy.xSignature = XSignatureRule(policy: .ignore)
    return copy
  }

  /// `aud`, if present, must name this receiver (RFC 7519 §4.1.3).
  func checkAudience(of claims: Claims) throws(Refusal) {
    guard let names = claims.audience else { return }
    guard names.contains(where: audience.contains) else { throw Refusal(.audience) }
  }
}

/// An instance's name: `[a-z0-9][a-z0-9-]{0,62}`, so that it can be a folder's name.
package struct InstanceName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init?(_ name: String) {
    let bytes = Array(name.utf8)
    guard (1...63).contains(bytes.count), bytes.first != UInt8(ascii: "-"),
      bytes.allSatisfy({
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
      })
    else { return nil }
    description = name
  }
}
