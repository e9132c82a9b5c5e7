internal import LinuxSystem
package import WebhookCore

/// The configuration file's content, checked; key files are named in it and not yet read.
package struct Settings: Equatable, Sendable {
  /// Absolute, or relative to where the program runs if the configuration's own path is.
  package let spool: String
  package let workers: Int
  package let minimumFreeBytes: Int
  /// A delivery that took so long leaves a warning; 0: none does.
  package let slowMilliseconds: Int
  /// How many refused requests are kept of each code word; 0: none are.
  package let keptRefused: Int
  package let policy: DeliveryPolicy
  /// In the order of the file; at least one.
  package internal(set) var instances: [InstanceSettings]
}

package struct InstanceSettings: Equatable, Sendable {
  package let name: InstanceName
  package let url: String
  /// Absolute, or relative to where the program runs if the configuration's own path is. At least
  /// one.
  package let keyFiles: [String]
  package let algorithms: [SignatureAlgorithm]
  package let xSignature: XSignatureRule
  package let audience: [String]
}

extension Settings {
  /// Where the configuration lies if nobody says otherwise.
  package static let defaultPath = "/etc/delve-webhook/config.yaml"

  /// Where the configuration lies: as an option says, or the environment, or at the default place.
  /// - Parameter variable: the value of `DELVE_WEBHOOK_CONFIG`.
  package static func path(option: String?, variable: String?) -> String {
    option ?? variable.flatMap { $0.isEmpty ? nil : $0 } ?? defaultPath
  }

  /// The environment's name for it.
  package static let pathVariable = "DELVE_WEBHOOK_CONFIG"

  /// Reads the file at `path`; relative paths in it are relative to it.
  package init(file path: String) throws(ConfigurationError) {
    do throws(ConfigurationError) {
      try self.init(parsing: try fileContents(path), file: path)
    } catch  where error.isUnread {
      let remedy =
        "delve-webhook setup makes a configuration; --config or \(Self.pathVariable) names another"
      throw ConfigurationError(file: path, line: nil, message: "\(error.message); \(remedy)")
    }
  }

  package init(parsing text: [UInt8], file: String) throws(ConfigurationError) {
    let document: YAMLNode
    do throws(YAMLError) {
      document = try YAMLNode(parsing: text)
    } catch {
      throw ConfigurationError(file: file, line: error.line, message: error.message)
    }
    var reader = try SettingsReader(document, named: "the configuration", file: file)
    try reader.requireKnown(in: .top)
    spool = absolutePath(try reader.text(.spool).text, besides: file)
    policy = try DeliveryPolicy(&reader)
    workers = try reader.number(.workers)
    minimumFreeBytes = try reader.number(.minimumFreeBytes)
    slowMilliseconds = try reader.number(.slowMilliseconds)
    keptRefused = try reader.number(.keepRefused)
    instances = try readInstances(&reader)
  }

  /// Those keys whose change needs a restart, and that have changed since `old`.
  package func keysThatNeedRestart(since old: Settings) -> [SettingKey] {
    var keys: [SettingKey] = []
    if spool != old.spool { keys.append(.spool) }
    if workers != old.workers { keys.append(.workers) }
    return keys.filter { !$0.facts.isAppliedByReload }
  }
}

extension DeliveryPolicy {
  fileprivate init(_ reader: inout SettingsReader) throws(ConfigurationError) {
    self.init()
    freshness.maxAgeSeconds = Int64(try reader.number(.maxAgeSeconds))
    freshness.clockSkewSeconds = Int64(try reader.number(.clockSkewSeconds))
    body = try reader.choice(.body)
    maxBodyBytes = try reader.number(.maxBodyBytes)
    maxTokenBytes = try reader.number(.maxTokenBytes)
  }
}

private func readInstances(
  _ reader: inout SettingsReader
) throws(ConfigurationError) -> [InstanceSettings] {
  let node = try reader.require(.instances)
  let entries = try SettingsReader(node, named: "instances", file: reader.file).allEntries()
  guard !entries.isEmpty else {
    throw ConfigurationError(
      file: reader.file, line: node.line, message: "instances: at least one is needed")
  }
  var instances: [InstanceSettings] = []
  for entry in entries { instances.append(try InstanceSettings(entry, file: reader.file)) }
  return instances
}

extension InstanceSettings {
  fileprivate init(_ entry: YAMLNode.Entry, file: String) throws(ConfigurationError) {
    guard let name = InstanceName(entry.key) else {
      throw ConfigurationError(
        file: file, line: entry.keyLine,
        message: "instances: an instance's name must be 1 to 63 of a-z, 0-9 and -, not - first")
    }
    self.name = name
    var reader = try SettingsReader(entry.value, named: "\(name)", file: file)
    try reader.requireKnown(in: .instance)
    url = try readURL(&reader)
    keyFiles = try reader.texts(.keys).map { absolutePath($0.text, besides: file) }
    algorithms = try readAlgorithms(&reader)
    xSignature = XSignatureRule(
      policy: try reader.choice(.xSignature), keyLocations: try readKeyLocations(&reader))
    audience = try reader.texts(.audience).map(\.text)
  }
}

private func readURL(_ reader: inout SettingsReader) throws(ConfigurationError) -> String {
  let (url, node) = try reader.text(.url)
  let rest = url.utf8.dropFirst("https://".utf8.count)
  // The host must not be empty, and nothing in it may be an account or a password.
  guard url.hasPrefix("https://"), let first = rest.first, first != UInt8(ascii: "/"),
    rest.allSatisfy({ (0x21...0x7E).contains($0) && !"?#@\"<>\\^`{|}".utf8.contains($0) })
  else {
    throw reader.error(.url, node, allowed: "https://HOST, without query and fragment")
  }
  // With a slash at the end it names the same instance.
  return String(url.reversed().drop { $0 == "/" }.reversed())
}

private func readAlgorithms(
  _ reader: inout SettingsReader
) throws(ConfigurationError) -> [SignatureAlgorithm] {
  var algorithms: [SignatureAlgorithm] = []
  for entry in try reader.texts(.algorithms) {
    guard let algorithm = SignatureAlgorithm(rawValue: entry.text) else {
      throw reader.error(
        .algorithms, entry.node,
        allowed: SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))
    }
    algorithms.append(algorithm)
  }
  return algorithms
}

private func readKeyLocations(
  _ reader: inout SettingsReader
) throws(ConfigurationError) -> [String] {
  let entries = try reader.texts(.keyLocation)
  for entry in entries where !XSignatureRule.canName(entry.text) {
    throw reader.error(
      .keyLocation, entry.node,
      allowed: "printable ASCII without blank, comma and apostrophe, at most "
        + "\(XSignatureRule.maximumKeyLocationBytes) bytes")
  }
  return entries.map(\.text)
}

/// `path` as it is if it is absolute, else in the folder of `file`.
private func absolutePath(_ path: String, besides file: String) -> String {
  guard !path.hasPrefix("/") else { return path }
  guard let slash = file.lastIndex(of: "/") else { return path }
  return "\(file[...slash])\(path)"
}
