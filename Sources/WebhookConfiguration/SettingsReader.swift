internal import WebhookCore

/// Reads one mapping of the configuration, setting by setting.
struct SettingsReader {
  let file: String
  private let line: Int
  private var entries: [YAMLNode.Entry]

  init(_ node: YAMLNode, named name: String, file: String) throws(ConfigurationError) {
    guard case .mapping(let entries) = node.content else {
      throw ConfigurationError(
        file: file, line: node.line, message: "\(name) must be a mapping of keys to values")
    }
    self.file = file
    self.line = node.line
    self.entries = entries
  }

  /// The value of `key`, or nil if it is absent. Each key is to be asked for once.
  mutating func take(_ key: String) -> YAMLNode? {
    guard let index = entries.firstIndex(where: { $0.key == key }) else { return nil }
    return entries.remove(at: index).value
  }

  mutating func require(_ key: String) throws(ConfigurationError) -> YAMLNode {
    guard let node = take(key) else {
      throw ConfigurationError(file: file, line: line, message: "\(key) is missing")
    }
    return node
  }

  /// The names and values of a mapping whose keys are chosen by the operator.
  consuming func allEntries() -> [YAMLNode.Entry] { entries }

  /// Before anything is read: a key that is misspelled is not to be reported as one that is missing.
  /// - Throws: if there is any other key than these.
  func requireKnown(_ known: [String]) throws(ConfigurationError) {
    guard let unknown = entries.first(where: { !known.contains($0.key) }) else { return }
    throw ConfigurationError(
      file: file, line: unknown.keyLine,
      message:
        "\(printable(unknown.key)): unknown key; known here: \(known.joined(separator: ", "))")
  }

  func error(_ key: String, _ node: YAMLNode, _ allowed: String) -> ConfigurationError {
    let found =
      switch node.content {
      case .scalar(let text, _): "\"\(printable(text))\""
      case .sequence: "a list"
      case .mapping: "a mapping"
      }
    return ConfigurationError(
      file: file, line: node.line, message: "\(key): found \(found); allowed: \(allowed)")
  }

  // MARK: Values

  func string(_ key: String, _ node: YAMLNode) throws(ConfigurationError) -> String {
    guard case .scalar(let text, _) = node.content, !text.isEmpty, !text.utf8.contains(0) else {
      throw error(key, node, "a text that is not empty")
    }
    return text
  }

  /// One text, or a list of 1 to `maximum`.
  func strings(
    _ key: String, _ node: YAMLNode, maximum: Int
  ) throws(ConfigurationError) -> [(text: String, node: YAMLNode)] {
    guard case .sequence(let elements) = node.content else {
      return [(try string(key, node), node)]
    }
    guard (1...maximum).contains(elements.count) else {
      throw ConfigurationError(
        file: file, line: node.line,
        message: "\(key): found a list of \(elements.count); allowed: 1 to \(maximum)")
    }
    var strings: [(String, YAMLNode)] = []
    for element in elements { strings.append((try string(key, element), element)) }
    return strings
  }

  /// Plain decimal digits, nothing else: YAML 1.1 would read `017` as 15 and `1:30` as 90.
  func integer(
    _ key: String, _ node: YAMLNode, in range: ClosedRange<Int>
  ) throws(ConfigurationError) -> Int {
    guard case .scalar(let text, isPlain: true) = node.content,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      text == "0" || !text.hasPrefix("0"), let value = Int(text), range.contains(value)
    else {
      let allowed =
        range.upperBound == .max
        ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
      throw error(key, node, "a whole number, \(allowed)")
    }
    return value
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, _ node: YAMLNode, of type: Choice.Type
  ) throws(ConfigurationError) -> Choice {
    guard case .scalar(let text, _) = node.content, let choice = Choice(rawValue: text) else {
      throw error(key, node, type.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }
}
