internal import WebhookCore

/// Reads one mapping of the configuration, setting by setting, as the table of keys has it.
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

  /// The names and values of a mapping whose keys are chosen by the operator.
  consuming func allEntries() -> [YAMLNode.Entry] { entries }

  /// Before anything is read: a key that is misspelled is not to be reported as one that is
  /// missing.
  /// - Throws: if there is any key that has no place here.
  func requireKnown(in place: SettingKey.Place) throws(ConfigurationError) {
    let known = SettingKey.all(in: place).map(\.rawValue)
    guard let unknown = entries.first(where: { !known.contains($0.key) }) else { return }
    throw ConfigurationError(
      file: file, line: unknown.keyLine,
      message:
        "\(printable(unknown.key)): unknown key; known here: \(known.joined(separator: ", "))")
  }

  /// The value of `key`, or nil if it is absent. Each key is to be asked for once.
  private mutating func take(_ key: SettingKey) -> YAMLNode? {
    guard let index = entries.firstIndex(where: { $0.key == key.rawValue }) else { return nil }
    return entries.remove(at: index).value
  }

  mutating func require(_ key: SettingKey) throws(ConfigurationError) -> YAMLNode {
    guard let node = take(key) else {
      throw ConfigurationError(file: file, line: line, message: "\(key.rawValue) is missing")
    }
    return node
  }

  // MARK: Values

  /// A text that is required, with the node that it stands in.
  mutating func text(_ key: SettingKey) throws(ConfigurationError) -> (text: String, node: YAMLNode)
  {
    let node = try require(key)
    return (try text(key, node), node)
  }

  /// One text or several, each with its node; the node of a default is nil.
  mutating func texts(
    _ key: SettingKey
  ) throws(ConfigurationError) -> [(text: String, node: YAMLNode?)] {
    guard case .texts(let most, let missing) = key.facts.form else { wrongForm(key) }
    guard let node = missing == nil ? try require(key) : take(key) else {
      return (missing ?? []).map { ($0, nil) }
    }
    guard case .sequence(let elements) = node.content else { return [(try text(key, node), node)] }
    guard (1...most).contains(elements.count) else {
      throw ConfigurationError(
        file: file, line: node.line,
        message: "\(key.rawValue): found a list of \(elements.count); allowed: 1 to \(most)")
    }
    var texts: [(String, YAMLNode?)] = []
    for element in elements { texts.append((try text(key, element), element)) }
    return texts
  }

  /// Plain decimal digits and nothing else: YAML 1.1 would read `017` as 15 and `1:30` as 90.
  mutating func number(_ key: SettingKey) throws(ConfigurationError) -> Int {
    guard case .number(let range, let missing) = key.facts.form else { wrongForm(key) }
    guard let node = take(key) else { return missing }
    if case .scalar(let text, isPlain: false) = node.content, Int(text) != nil {
      throw error(key, node, allowed: "a whole number; write it without quotes")
    }
    guard case .scalar(let text, isPlain: true) = node.content,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      text == "0" || !text.hasPrefix("0"), let value = Int(text), range.contains(value)
    else {
      let allowed =
        range.upperBound == .max
        ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
      throw error(key, node, allowed: "a whole number, \(allowed)")
    }
    return value
  }

  mutating func choice<Choice: RawRepresentable<String>>(
    _ key: SettingKey
  ) throws(ConfigurationError) -> Choice {
    guard case .choice(let choices, let missing) = key.facts.form else { wrongForm(key) }
    let node = take(key)
    var name = missing
    if let node { name = try text(key, node) }
    guard let choice = Choice(rawValue: name) else {
      throw error(key, node, allowed: choices.joined(separator: ", "))
    }
    return choice
  }

  private func text(
    _ key: SettingKey, _ node: YAMLNode
  ) throws(ConfigurationError) -> String {
    guard case .scalar(let text, let isPlain) = node.content, !text.isEmpty, !text.utf8.contains(0)
    else {
      throw error(key, node, allowed: "a text that is not empty")
    }
    // Without quotes these stand for no value (YAML 1.1, type null).
    guard !isPlain || !["~", "null", "Null", "NULL"].contains(text) else {
      throw error(key, node, allowed: "a text; write it in quotes if that is meant")
    }
    return text
  }

  private func wrongForm(_ key: SettingKey) -> Never {
    preconditionFailure("\(key.rawValue) is read as something else than the table has it")
  }

  // MARK: Errors

  /// - Parameter node: nil: the key's mapping.
  func error(_ key: SettingKey, _ node: YAMLNode?, allowed: String) -> ConfigurationError {
    let found =
      switch node?.content {
      case .scalar(let text, _): "\"\(printable(text))\""
      case .sequence: "a list"
      case .mapping: "a mapping"
      case nil: "nothing"
      }
    return ConfigurationError(
      file: file, line: node?.line ?? line,
      message: "\(key.rawValue): found \(found); allowed: \(allowed)")
  }
}
