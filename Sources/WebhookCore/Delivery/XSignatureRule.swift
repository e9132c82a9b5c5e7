/// What is asked of the `X-Signature` header field: `<alg> <key location>`.
package struct XSignatureRule: Equatable, Sendable {
  package enum Policy: String, CaseIterable, Sendable {
    case require, check, ignore
  }

  package let policy: Policy
  /// Each printable ASCII without blank, comma and apostrophe.
  package let keyLocations: [[UInt8]]

  /// Where the vendor keeps an instance's key.
  package static let defaultKeyLocation = "/api/webhook.key"
  package static let maximumKeyLocationBytes = maximumBytes - "ES512 ".utf8.count
  private static let maximumBytes = 1024

  package init(policy: Policy = .require, keyLocations: [String] = [defaultKeyLocation]) {
    self.policy = policy
    self.keyLocations = keyLocations.map { Array($0.utf8) }
  }

  /// Whether a value of `X-Signature` can name this location: printable ASCII without blank, comma
  /// and apostrophe, short enough.
  package static func canName(_ location: String) -> Bool {
    location.utf8.count <= maximumKeyLocationBytes
      && location.utf8.allSatisfy {
        (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "'")
      }
  }

  /// The one value, or nil if the policy lets it be absent. Two are an error under every policy.
  package func singleValue(of values: [[UInt8]]) throws(Refusal) -> [UInt8]? {
    if policy == .require, values.isEmpty || values == [[]] {
      throw Refusal(.missingXSignature)
    }
    guard values.count <= 1, !values.contains(where: { $0.contains(UInt8(ascii: ",")) }) else {
      throw Refusal(.malformedXSignature)
    }
    return values.first
  }

  /// Compares the value with the token's algorithm and the configured locations, byte by byte.
  /// The vendor's article prints it behind a stray apostrophe: one before and one behind are
  /// tolerated, each by itself.
  /// - Returns: the value if it was checked, nil if it was absent or ignored.
  package func check(
    _ value: [UInt8]?, names algorithm: SignatureAlgorithm
  ) throws(Refusal) -> [UInt8]? {
    guard policy != .ignore, let value else { return nil }
    let location = Self.keyLocation(in: value, behind: algorithm)
    let isExpected = location.map { keyLocations.contains(Array($0)) } ?? false
    guard value.count <= Self.maximumBytes, isExpected else { throw Refusal(.xSignatureMismatch) }
    return value
  }

  /// What stands behind the algorithm and its blank; nil if the value names another algorithm.
  static func keyLocation(
    in value: [UInt8], behind algorithm: SignatureAlgorithm
  ) -> ArraySlice<UInt8>? {
    let apostrophe = UInt8(ascii: "'")
    var bare = value[...]
    if bare.first == apostrophe { bare.removeFirst() }
    if bare.last == apostrophe { bare.removeLast() }
    let name = "\(algorithm.rawValue) ".utf8
    return bare.starts(with: name) ? bare.dropFirst(name.count) : nil
  }
}
