internal import WebhookCore

/// What is wrong with a configuration, in the order in which it was found. One thread uses it.
final class SettingsProblems {
  /// Of a file that is wrong throughout, no more are told.
  private static let most = 100

  private(set) var all: [ConfigurationError] = []
  /// How many were found.
  private(set) var count = 0

  func add(_ problem: ConfigurationError) {
    count += 1
    if all.count < Self.most { all.append(problem) }
  }
}

/// Reads one mapping of the configuration, setting by setting, as the table of keys has it. What is
/// wrong is noted, and something else stands for it, so that the rest can be read.
struct SettingsReader {
  let file: String
  let problems: SettingsProblems
  private let line: Int
  private var entries: [YAMLNode.Entry]
  /// Of the keys that were found.
  private(set) var lines: [SettingKey: Int] = [:]

  init(_ node: YAMLNode, named name: String, file: String, _ problems: SettingsProblems) {
    (self.file, self.problems, line) = (file, problems, node.line)
    guard case .mapping(let entries) = node.content else {
      self.entries = []
      isMapping = false
      note(node.line, "\(name) must be a mapping of keys to values")
      return
    }
    self.entries = entries
    isMapping = true
  }

  /// If not, nothing in it can be asked for.
  let isMapping: Bool

  /// The names and values of a mapping whose keys are chosen by the operator.
  consuming func allEntries() -> [YAMLNode.Entry] { entries }

  /// Notes each key that has no place here. Before anything is read: a key that is misspelled is not
  /// to be reported first as one that is missing.
  func noteUnknown(in place: SettingKey.Place) {
    let known = SettingKey.all(in: place).map(\.rawValue)
    for unknown in entries where !known.contains(unknown.key) {
      note(
        unknown.keyLine,
        "\(printable(unknown.key)): unknown key; known here: \(known.joined(separator: ", "))")
    }
  }

  /// The value of `key`, or nil if it is absent. Each key is to be asked for once.
  private mutating func take(_ key: SettingKey) -> YAMLNode? {
    guard let index = entries.firstIndex(where: { $0.key == key.rawValue }) else { return nil }
    let entry = entries.remove(at: index)
    lines[key] = entry.keyLine
    return entry.value
  }

  /// The value of `key`; nil if it is missing, which is noted.
  mutating func require(_ key: SettingKey) -> YAMLNode? {
    guard let node = take(key) else {
      if isMapping { note(line, "\(key.rawValue) is missing") }
      return nil
    }
    return node
  }

  // MARK: Values

  /// A text, with the node that it stands in; the node of a default is nil.
  mutating func text(_ key: SettingKey) -> (text: String, node: YAMLNode?) {
    guard case .text(let missing) = key.facts.form else { wrongForm(key) }
    if let missing {
      let node = take(key)
      return (node.flatMap { text(key, $0) } ?? missing, node)
    }
    let node = require(key)
    return (node.flatMap { text(key, $0) } ?? "", node)
  }

  /// One text or several, each with its node; the node of a default is nil.
  mutating func texts(_ key: SettingKey) -> [(text: String, node: YAMLNode?)] {
    guard case .texts(let most, let missing) = key.facts.form else { wrongForm(key) }
    guard let node = missing == nil ? require(key) : take(key) else {
      return (missing ?? []).map { ($0, nil) }
    }
    guard case .sequence(let elements) = node.content else {
      return text(key, node).map { [($0, node)] } ?? []
    }
    guard (1...most).contains(elements.count) else {
      note(
        node.line, "\(key.rawValue): found a list of \(elements.count); allowed: 1 to \(most)")
      return []
    }
    return elements.compactMap { element in text(key, element).map { ($0, element) } }
  }

  /// Plain decimal digits and nothing else: YAML 1.1 would read `017` as 15 and `1:30` as 90.
  mutating func number(_ key: SettingKey) -> Int {
    guard case .number(let range, let missing) = key.facts.form else { wrongForm(key) }
    guard let node = take(key) else { return missing }
    if case .scalar(let text, isPlain: false) = node.content, Int(text) != nil {
      note(key, node, allowed: "a whole number; write it without quotes")
      return missing
    }
    guard case .scalar(let text, isPlain: true) = node.content,
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      text == "0" || !text.hasPrefix("0"), let value = Int(text), range.contains(value)
    else {
      let allowed =
        range.upperBound == .max
        ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
      note(key, node, allowed: "a whole number, \(allowed)")
      return missing
    }
    return value
  }

  mutating func choice<Choice: RawRepresentable<String>>(_ key: SettingKey) -> Choice {
    guard case .choice(let choices, let missing) = key.facts.form,
      let byDefault = Choice(rawValue: missing)
    else { wrongForm(key) }
    guard let node = take(key), let name = text(key, node) else { return byDefault }
    guard let choice = Choice(rawValue: name) else {
      note(key, node, allowed: choices.joined(separator: ", "))
      return byDefault
    }
    return choice
  }

  private func text(_ key: SettingKey, _ node: YAMLNode) -> String? {
    guard case .scalar(let text, let isPlain) = node.content, !text.isEmpty, !text.utf8.contains(0)
    else {
      note(key, node, allowed: "a text that is not empty")
      return nil
    }
    // Without quotes these stand for no value (YAML 1.1, type null).
    guard !isPlain || !["~", "null", "Null", "NULL"].contains(text) else {
      note(key, node, allowed: "a text; write it in quotes if that is meant")
      return nil
    }
    return text
  }

  private func wrongForm(_ key: SettingKey) -> Never {
    preconditionFailure("\(key.rawValue) is read as something else than the table has it")
  }

  // MARK: Problems

  func note(_ line: Int, _ message: String) {
    problems.add(ConfigurationError(file: file, line: line, message: message))
  }

  /// - Parameter node: nil: the key's mapping.
  func note(_ key: SettingKey, _ node: YAMLNode?, allowed: String) {
    let found =
      switch node?.content {
      case .scalar(let text, _): "\"\(printable(text))\""
      case .sequence: "a list"
      case .mapping: "a mapping"
      case nil: "nothing"
      }
    note(node?.line ?? line, "\(key.rawValue): found \(found); allowed: \(allowed)")
  }
}
