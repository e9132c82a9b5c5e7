package import StrictJSON
package import WebhookCore

/// One line of `Tests/Attacks/attacks.jsonl`. ATTACKS.md explains the members.
package struct AttackCase: Sendable, CustomStringConvertible {
  package let name: String
  /// Each character of the file's text stands for one byte.
  package let authorization, xSignature: [UInt8]?
  package let body: [UInt8]
  package let keys, algorithms, after: [String]
  package let now: Int64
  package let hook: String?
  package let config: JSONObject
  package let status: Int
  package let codeWord: String

  package var description: String { name }

  /// The whole catalogue, in its order.
  package static let all: [AttackCase] = {
    let lines = ((try? testFile("Attacks/attacks.jsonl")) ?? []).split(separator: 0x0A)
    return lines.compactMap { AttackCase(line: Array($0)) }
  }()

  private init?(line: [UInt8]) {
    guard let json = (try? JSONValue(parsing: line))?.object,
      let name = json["name"]?.string.map({ String(decoding: $0, as: UTF8.self) }),
      let now = json["now"]?.number.flatMap({ Int64(String(decoding: $0, as: UTF8.self)) }),
      let expected = json["expect"]?.object,
      let status = expected["status"]?.number.flatMap({ Int(String(decoding: $0, as: UTF8.self)) }),
      let codeWord = expected["code"]?.string
    else { return nil }
    self.name = name
    self.now = now
    self.status = status
    self.codeWord = String(decoding: codeWord, as: UTF8.self)
    authorization = json["authorization"]?.string.flatMap(latin1)
    xSignature = json["xsignature"]?.string.flatMap(latin1)
    body = json["body"]?.string.flatMap(latin1) ?? Array("{}".utf8)
    keys = strings(json["keys"])
    algorithms = strings(json["algorithms"])
    after = strings(json["after"])
    hook = strings(json["hook"]).first
    config = json["config"]?.object ?? JSONObject([])
  }
}

// MARK: - What it is decided by

extension AttackCase {
  package var policy: DeliveryPolicy {
    var policy = DeliveryPolicy()
    if let seconds = integer("max-age-seconds") { policy.freshness.maxAgeSeconds = Int64(seconds) }
    if let seconds = integer("clock-skew-seconds") {
      policy.freshness.clockSkewSeconds = Int64(seconds)
    }
    if let bytes = integer("max-token-bytes") { policy.maxTokenBytes = bytes }
    if let bytes = integer("max-body-bytes") { policy.maxBodyBytes = bytes }
    if let body = strings(config["body"]).first.flatMap(BodyPolicy.init) { policy.body = body }
    return policy
  }

  /// The instance `acme`, as the case configures it.
  package var instance: Instance {
    get throws {
      let example = try exampleInstance()
      let locations = strings(config["key-location"])
      return Instance(
        name: example.name, url: example.url,
        keys: try keys.flatMap { try KeyFile(parsing: testFile("Attacks/\($0)")).keys },
        algorithms: algorithms.compactMap(SignatureAlgorithm.init(rawValue:)),
        xSignature: XSignatureRule(
          policy: strings(config["x-signature"]).first.flatMap(XSignatureRule.Policy.init)
            ?? .require,
          keyLocations: locations.isEmpty ? [XSignatureRule.defaultKeyLocation] : locations),
        audience: strings(config["audience"]))
    }
  }

  private func integer(_ key: String) -> Int? {
    config[key]?.number.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
  }
}

/// Returns the strings of a value that is one string or an array of strings.
package func strings(_ value: JSONValue?) -> [String] {
  (value?.array ?? [value].compactMap(\.self)).compactMap {
    $0.string.map { String(decoding: $0, as: UTF8.self) }
  }
}

private func latin1(_ utf8: [UInt8]) -> [UInt8]? {
  let scalars = String(decoding: utf8, as: UTF8.self).unicodeScalars
  let bytes = scalars.compactMap { UInt8(exactly: $0.value) }
  return bytes.count == scalars.count ? bytes : nil
}
