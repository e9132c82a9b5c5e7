internal import OpenSSLCrypto
internal import StrictJSON

/// A JWK Set (RFC 7517 §5) that keys are added to and removed from. Everything else in it stays: the
/// other members, keys of another purpose, and what a JWK says beside the key.
package struct JSONWebKeySet: Sendable {
  private struct Element {
    let value: JSONValue
    /// Nil: it cannot serve.
    let key: VerificationKey?
  }

  private var elements: [Element] = []
  /// Those of the set beside `keys`.
  private var otherMembers = JSONObject([])

  /// A set without keys.
  package init() {}

  /// The keys in the text of a key file. A PEM file, or a single JWK, becomes a set of one.
  package init(parsing text: [UInt8]) throws(KeyFileError) {
    let file = try KeyFile(parsing: text)
    guard let object = (try? JSONValue(parsing: text))?.object else {
      elements = file.keys.map { Element(value: .object($0.jsonWebKey), key: $0) }
      return
    }
    guard let values = object["keys"]?.array else {
      elements = [Element(value: .object(object), key: file.keys.first)]
      return
    }
    otherMembers = object.removing("keys")
    var keys = file.keys[...]
    let skipped = Set(file.skipped.map(\.position))
    elements = values.enumerated().map { index, value in
      Element(value: value, key: skipped.contains(index + 1) ? nil : keys.popFirst())
    }
  }

  /// Those that can serve.
  package var keys: [VerificationKey] { elements.compactMap(\.key) }

  /// The day on which the key was fetched, as the set has it; nil if it does not say.
  package func dayFetched(_ thumbprint: Thumbprint) -> String? {
    guard let value = elements.first(where: { $0.key?.thumbprint == thumbprint })?.value,
      let day = value.object?[Self.dayMember]?.string
    else { return nil }
    let text = String(decoding: day, as: UTF8.self)
    return CalendarDate.seconds(rfc3339: "\(text)T00:00:00Z") == nil ? nil : text
  }

  /// Not one of RFC 7517's: a program that does not know it passes it over (§4).
  private static let dayMember = "fetched"

  /// Adds a key with its thumbprint as its `kid`, and the day.
  package mutating func add(_ key: VerificationKey, fetchedAt now: Timestamp) {
    let day = String(CalendarDate(secondsSince1970: now.seconds).rfc3339.prefix(10))
    let jwk = key.jsonWebKey.appending(Self.dayMember, .string(day))
    elements.append(Element(value: .object(jwk), key: key))
  }

  package mutating func remove(_ thumbprint: Thumbprint) {
    elements.removeAll { $0.key?.thumbprint == thumbprint }
  }

  /// JSON with a key a line, and a newline at its end: what a key file can hold.
  package var text: [UInt8] {
    let separator = Array(",\n".utf8)
    var text = Array("{\"keys\":[\n".utf8)
    text += elements.map(\.value.compactText).joined(separator: separator)
    text += Array("\n]".utf8)
    // Without its braces.
    if !otherMembers.members.isEmpty {
      text += separator + otherMembers.text.dropFirst().dropLast()
    }
    return text + Array("}\n".utf8)
  }
}

extension VerificationKey {
  /// A key that is pinned to an algorithm stays so.
  fileprivate var jsonWebKey: JSONObject {
    var jwk = publicKey.components.requiredMembers.appending("use", .string("sig"))
    if let algorithm = SignatureAlgorithm.allCases.first(where: serves),
      algorithms.allSatisfy({ $0.scheme == algorithm.scheme })
    {
      jwk = jwk.appending("alg", .string(algorithm.rawValue))
    }
    return jwk.appending("kid", .string(thumbprint.text))
  }
}

extension PublicKey.Components {
  /// The members that a JWK of this type must have, sorted by name (RFC 7638 §3.2, RFC 8037 §2).
  var requiredMembers: JSONObject {
    func member(_ name: String, _ bytes: [UInt8]) -> (name: String, value: JSONValue) {
      (name, .string(Base64URL.encode(bytes)))
    }
    switch self {
    case .ellipticCurve(let curve, let x, let y):
      return JSONObject([
        ("crv", .string(curve.rawValue)), ("kty", .string("EC")), member("x", x), member("y", y),
      ])
    case .rsa(let modulus, let exponent):
      return JSONObject([member("e", exponent), ("kty", .string("RSA")), member("n", modulus)])
    case .ed25519(let point):
      return JSONObject([("crv", .string("Ed25519")), ("kty", .string("OKP")), member("x", point)])
    }
  }
}
