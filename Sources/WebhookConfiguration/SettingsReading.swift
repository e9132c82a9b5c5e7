package import WebhookCore

/// A configuration file's content as far as it can be read, with everything that is wrong in it.
package struct SettingsReading: Sendable {
  /// In the order in which they were found.
  package let problems: [ConfigurationError]
  /// How many further ones there are.
  package let countOfOthers: Int
  /// Nil if anything is wrong.
  package let settings: Settings?
  /// Those in which nothing is wrong.
  package let instances: [InstanceSettings]
  package let lines: SettingLines

  /// - Parameter file: what problems and relative paths name.
  package init(parsing text: [UInt8], file: String) {
    let problems = SettingsProblems()
    let (document, faults) = YAMLNode.reading(text)
    for fault in faults {
      problems.add(ConfigurationError(file: file, line: fault.line, message: fault.message))
    }
    guard let document else {
      (self.problems, settings, instances, lines) = (problems.all, nil, [], SettingLines())
      countOfOthers = problems.count - problems.all.count
      return
    }
    let ofContent = SettingsProblems()
    var reader = SettingsReader(document, named: "the configuration", file: file, ofContent)
    let (settings, good, lines) = readSettings(&reader)
    // A line that is no good YAML is reported only once.
    let linesOfFaults = Set(faults.map(\.line))
    for problem in ofContent.all where !linesOfFaults.contains(problem.line ?? 0) {
      problems.add(problem)
    }
    (self.problems, instances, self.lines) = (problems.all, good, lines)
    countOfOthers =
      problems.count - problems.all.count + ofContent.count - ofContent.all.count
    self.settings = problems.all.isEmpty ? settings : nil
  }

  /// - Throws: if the file cannot be read at all.
  package init(file path: String) throws(ConfigurationError) {
    self.init(parsing: try Settings.text(ofFile: path), file: path)
  }
}

/// On which line each setting's key stands. One that is absent has its default.
package struct SettingLines: Sendable {
  package struct Instance: Sendable {
    /// Of its name.
    package let line: Int
    package let settings: [SettingKey: Int]
  }

  package fileprivate(set) var top: [SettingKey: Int] = [:]
  package fileprivate(set) var instances: [InstanceName: Instance] = [:]
}

private func readSettings(
  _ reader: inout SettingsReader
) -> (Settings, good: [InstanceSettings], SettingLines) {
  reader.noteUnknown(in: .top)
  let spool = absolutePath(reader.text(.spool).text, besides: reader.file)
  let policy = DeliveryPolicy(&reader)
  let workers: Int = reader.number(.workers)
  let minimumFreeBytes = reader.number(.minimumFreeBytes)
  let slowMilliseconds = reader.number(.slowMilliseconds)
  let keptRefused = reader.number(.keepRefused)
  let keyReports = absolutePath(reader.text(.keyReports).text, besides: reader.file)
  var lines = SettingLines()
  let (all, good) = readInstances(&reader, &lines)
  lines.top = reader.lines
  let settings = Settings(
    spool: spool, workers: workers, minimumFreeBytes: minimumFreeBytes,
    slowMilliseconds: slowMilliseconds, keptRefused: keptRefused, keyReports: keyReports,
    policy: policy, instances: all)
  return (settings, good, lines)
}

extension DeliveryPolicy {
  fileprivate init(_ reader: inout SettingsReader) {
    self.init()
    freshness.maxAgeSeconds = Int64(reader.number(.maxAgeSeconds))
    freshness.clockSkewSeconds = Int64(reader.number(.clockSkewSeconds))
    body = reader.choice(.body)
    maxBodyBytes = reader.number(.maxBodyBytes)
    maxTokenBytes = reader.number(.maxTokenBytes)
  }
}

private func readInstances(
  _ reader: inout SettingsReader, _ lines: inout SettingLines
) -> (all: [InstanceSettings], good: [InstanceSettings]) {
  guard let node = reader.require(.instances) else { return ([], []) }
  let list = SettingsReader(node, named: "instances", file: reader.file, reader.problems)
  guard list.isMapping else { return ([], []) }
  let entries = list.allEntries()
  if entries.isEmpty { reader.note(node.line, "instances: at least one is needed") }
  var (all, good): ([InstanceSettings], [InstanceSettings]) = ([], [])
  for entry in entries {
    guard let name = InstanceName(entry.key) else {
      reader.note(
        entry.keyLine,
        "instances: an instance's name must be 1 to 63 of a-z, 0-9 and -, not - first")
      continue
    }
    let before = reader.problems.count
    var inner = SettingsReader(entry.value, named: "\(name)", file: reader.file, reader.problems)
    let instance = InstanceSettings(name, &inner)
    lines.instances[name] = SettingLines.Instance(line: entry.keyLine, settings: inner.lines)
    all.append(instance)
    if reader.problems.count == before { good.append(instance) }
  }
  return (all, good)
}

extension InstanceSettings {
  fileprivate init(_ name: InstanceName, _ reader: inout SettingsReader) {
    let file = reader.file
    self.name = name
    reader.noteUnknown(in: .instance)
    url = readURL(&reader)
    keyFiles = reader.texts(.keys).map { absolutePath($0.text, besides: file) }
    algorithms = readAlgorithms(&reader)
    xSignature = XSignatureRule(
      policy: reader.choice(.xSignature), keyLocations: readKeyLocations(&reader))
    audience = reader.texts(.audience).map(\.text)
  }
}

private func readURL(_ reader: inout SettingsReader) -> String {
  let (url, node) = reader.text(.url)
  guard let node, !url.isEmpty else { return "" }
  let rest = url.utf8.dropFirst("https://".utf8.count)
  // The host must not be empty, and nothing in it may be an account or a password.
  guard url.hasPrefix("https://"), let first = rest.first, first != UInt8(ascii: "/"),
    rest.allSatisfy({ (0x21...0x7E).contains($0) && !"?#@\"<>\\^`{|}".utf8.contains($0) })
  else {
    reader.note(.url, node, allowed: "https://HOST, without query and fragment")
    return ""
  }
  // With a slash at the end it names the same instance.
  return String(url.reversed().drop { $0 == "/" }.reversed())
}

private func readAlgorithms(_ reader: inout SettingsReader) -> [SignatureAlgorithm] {
  var algorithms: [SignatureAlgorithm] = []
  for entry in reader.texts(.algorithms) {
    guard let algorithm = SignatureAlgorithm(rawValue: entry.text) else {
      reader.note(
        .algorithms, entry.node,
        allowed: SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))
      continue
    }
    algorithms.append(algorithm)
  }
  return algorithms
}

private func readKeyLocations(_ reader: inout SettingsReader) -> [String] {
  let entries = reader.texts(.keyLocation)
  for entry in entries where !XSignatureRule.canName(entry.text) {
    reader.note(
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
