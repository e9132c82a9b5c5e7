package import WebhookCore

/// The configuration file's content, checked; key files are named in it and not yet read.
package struct Settings: Sendable {
  /// Absolute, or relative to where the program runs if the configuration's own path is.
  package let spool: String
  package let workers: Int
  package let minimumFreeBytes: Int
  package let policy: DeliveryPolicy
  /// In the order of the file; at least one.
  package let instances: [InstanceSettings]
}

package struct InstanceSettings: Sendable {
  package let name: InstanceName
  package let url: String
  /// Absolute, or relative to where the program runs if the configuration's own path is.
  package let keyFiles: [String]
  package let algorithms: [SignatureAlgorithm]
  package let xSignature: XSignatureRule
  package let audience: [String]
}

extension Settings {
  /// Where the configuration lies if nobody says otherwise.
  package static let defaultPath = "/etc/delve-webhook/config.yaml"

  /// Reads the file at `path`; relative paths in it are relative to it.
  package init(file path: String) throws(ConfigurationError) {
    let text: [UInt8]
    do throws(FileError) {
      text = try contents(ofFile: path)
    } catch {
      let remedy = "name the configuration with --config or DELVE_WEBHOOK_CONFIG"
      throw ConfigurationError(file: path, line: nil, message: "\(error.message); \(remedy)")
    }
    try self.init(parsing: text, file: path)
  }

  package init(parsing text: [UInt8], file: String) throws(ConfigurationError) {
    let document: YAMLNode
    do throws(YAMLError) {
      document = try YAMLNode(parsing: text)
    } catch {
      throw ConfigurationError(file: file, line: error.line, message: error.message)
    }
    var reader = try SettingsReader(document, named: "the configuration", file: file)
    try reader.requireKnown([
      "spool", "instances", "max-age-seconds", "clock-skew-seconds", "body", "max-body-bytes",
      "max-token-bytes", "workers", "minimum-free-bytes",
    ])
    let spool = try reader.require("spool")
    self.spool = absolutePath(try reader.string("spool", spool), besides: file)
    policy = try readPolicy(&reader)
    workers = try reader.takeInteger("workers", in: 1...256) ?? 16
    minimumFreeBytes = try reader.takeInteger("minimum-free-bytes", in: 0...Int.max) ?? 67_108_864
    instances = try readInstances(&reader)
  }
}

private func readPolicy(_ reader: inout SettingsReader) throws(ConfigurationError) -> DeliveryPolicy
{
  var policy = DeliveryPolicy()
  if let seconds = try reader.takeInteger("max-age-seconds", in: 1...604_800) {
    policy.freshness.maxAgeSeconds = Int64(seconds)
  }
  if let seconds = try reader.takeInteger("clock-skew-seconds", in: 0...3_600) {
    policy.freshness.clockSkewSeconds = Int64(seconds)
  }
  if let body = reader.take("body") {
    policy.body = try reader.choice("body", body, of: BodyPolicy.self)
  }
  if let bytes = try reader.takeInteger("max-body-bytes", in: 0...16_777_216) {
    policy.maxBodyBytes = bytes
  }
  if let bytes = try reader.takeInteger("max-token-bytes", in: 256...65_536) {
    policy.maxTokenBytes = bytes
  }
  return policy
}

private func readInstances(
  _ reader: inout SettingsReader
) throws(ConfigurationError) -> [InstanceSettings] {
  let node = try reader.require("instances")
  let entries = try SettingsReader(node, named: "instances", file: reader.file).allEntries()
  guard !entries.isEmpty else {
    throw ConfigurationError(
      file: reader.file, line: node.line, message: "instances: at least one is needed")
  }
  var instances: [InstanceSettings] = []
  for entry in entries { instances.append(try readInstance(entry, file: reader.file)) }
  return instances
}

private func readInstance(
  _ entry: YAMLNode.Entry, file: String
) throws(ConfigurationError) -> InstanceSettings {
  guard let name = InstanceName(entry.key) else {
    throw ConfigurationError(
      file: file, line: entry.keyLine,
      message: "instances: an instance's name must be 1 to 63 of a-z, 0-9 and -, not - first")
  }
  var reader = try SettingsReader(entry.value, named: "\(name)", file: file)
  try reader.requireKnown([
    "url", "keys", "key-location", "algorithms", "x-signature", "audience",
  ])
  return InstanceSettings(
    name: name,
    url: try readURL(&reader),
    keyFiles: try readStrings("keys", &reader, maximum: 16).map { absolutePath($0, besides: file) },
    algorithms: try readAlgorithms(&reader),
    xSignature: XSignatureRule(
      policy: try readXSignaturePolicy(&reader), keyLocations: try readKeyLocations(&reader)),
    audience: try reader.takeStrings("audience", maximum: 64)?.map(\.text) ?? [])
}

private func readStrings(
  _ key: String, _ reader: inout SettingsReader, maximum: Int
) throws(ConfigurationError) -> [String] {
  let node = try reader.require(key)
  return try reader.strings(key, node, maximum: maximum).map(\.text)
}

private func readURL(_ reader: inout SettingsReader) throws(ConfigurationError) -> String {
  let node = try reader.require("url")
  let url = try reader.string("url", node)
  let rest = url.utf8.dropFirst("https://".utf8.count)
  // The host must not be empty, and nothing in it may be an account or a password.
  guard url.hasPrefix("https://"), let first = rest.first, first != UInt8(ascii: "/"),
    rest.allSatisfy({ (0x21...0x7E).contains($0) && !"?#@\"<>\\^`{|}".utf8.contains($0) })
  else {
    throw reader.error("url", node, "https://HOST, without query and fragment")
  }
  return url
}

private func readAlgorithms(
  _ reader: inout SettingsReader
) throws(ConfigurationError) -> [SignatureAlgorithm] {
  guard let entries = try reader.takeStrings("algorithms", maximum: 11) else { return [.es512] }
  var algorithms: [SignatureAlgorithm] = []
  for entry in entries {
    algorithms.append(try reader.choice("algorithms", entry.node, of: SignatureAlgorithm.self))
  }
  return algorithms
}

private func readXSignaturePolicy(
  _ reader: inout SettingsReader
) throws(ConfigurationError) -> XSignatureRule.Policy {
  guard let node = reader.take("x-signature") else { return .require }
  return try reader.choice("x-signature", node, of: XSignatureRule.Policy.self)
}

private func readKeyLocations(
  _ reader: inout SettingsReader
) throws(ConfigurationError) -> [String] {
  guard let entries = try reader.takeStrings("key-location", maximum: 8) else {
    return ["/api/webhook.key"]
  }
  for entry in entries {
    let isFit = entry.text.utf8.allSatisfy {
      (0x21...0x7E).contains($0) && $0 != 0x2C && $0 != 0x27
    }
    guard isFit, entry.text.utf8.count <= 1_018 else {
      throw reader.error(
        "key-location", entry.node,
        "printable ASCII without blank, comma and apostrophe, at most 1018 bytes")
    }
  }
  return entries.map(\.text)
}

extension SettingsReader {
  fileprivate mutating func takeInteger(
    _ key: String, in range: ClosedRange<Int>
  ) throws(ConfigurationError) -> Int? {
    guard let node = take(key) else { return nil }
    return try integer(key, node, in: range)
  }

  fileprivate mutating func takeStrings(
    _ key: String, maximum: Int
  ) throws(ConfigurationError) -> [(text: String, node: YAMLNode)]? {
    guard let node = take(key) else { return nil }
    return try strings(key, node, maximum: maximum)
  }
}

/// `path` as it is if it is absolute, else in the folder of `file`.
private func absolutePath(_ path: String, besides file: String) -> String {
  guard !path.hasPrefix("/") else { return path }
  guard let slash = file.lastIndex(of: "/") else { return path }
  return "\(file[...slash])\(path)"
}
