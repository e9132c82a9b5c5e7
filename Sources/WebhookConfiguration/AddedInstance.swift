package import WebhookCore

/// An instance that is to be added to a configuration file, with a key file and default settings.
package struct AddedInstance: Sendable {
  package let name: InstanceName
  package let url: String
  /// As it is to stand in the file: absolute, or relative to it.
  package let keyFile: String

  package init(name: InstanceName, url: String, keyFile: String) {
    (self.name, self.url, self.keyFile) = (name, url, keyFile)
  }

  /// The lines of its entry below `instances:`.
  /// - Parameters:
  ///   - indentation: of its name.
  ///   - step: how much further its settings are indented.
  package func lines(indentation: Int = 2, step: Int = 2) -> [String] {
    let outer = String(repeating: " ", count: indentation)
    let inner = outer + String(repeating: " ", count: step)
    return ["\(outer)\(name):", "\(inner)url: \(url)", "\(inner)keys: [\(keyFile)]"]
  }

  /// The text of a new configuration file with this instance.
  package func newConfiguration(spool: String) -> [UInt8] {
    let head = [
      "# The configuration of delve-webhook. delve-webhook.yaml(5) explains every key.",
      "spool: \(spool)", "instances:",
    ]
    return Array((head + lines()).map { "\($0)\n" }.joined().utf8)
  }

  /// The text of a configuration file with this instance behind the others; everything else stays
  /// byte for byte.
  /// - Parameters:
  ///   - spool: for a file that names none.
  ///   - file: the file's path.
  /// - Returns: nil if the text has a style that cannot be extended.
  /// - Throws: what is wrong with the text as it is.
  package func added(
    to text: [UInt8], file: String, spool: String
  ) throws(ConfigurationError) -> [UInt8]? {
    let document: YAMLNode
    do throws(YAMLError) {
      document = try YAMLNode(parsing: text)
    } catch {
      throw ConfigurationError(file: file, line: error.line, message: error.message)
    }
    guard case .mapping(let entries) = document.content,
      !entries.contains(where: { $0.key == SettingKey.instances.rawValue })
    else {
      let old = try Settings(parsing: text, file: file)
      return try extended(document, text, old, file: file)
    }
    // Nothing to compare with: such a file could not be used before.
    guard let insertion = insertion(into: document, spool: spool) else { return nil }
    let result = insertion.applied(to: text)
    let settings = try Settings(parsing: result, file: file)
    return settings.instances.map(\.name) == [name] ? result : nil
  }

  /// - Parameter old: what the text means now.
  private func extended(
    _ document: YAMLNode, _ text: [UInt8], _ old: Settings, file: String
  ) throws(ConfigurationError) -> [UInt8]? {
    guard let insertion = insertion(into: document, spool: old.spool),
      let wanted = old.adding(try settings(besides: file))
    else { return nil }
    let result = insertion.applied(to: text)
    return (try? Settings(parsing: result, file: file)) == wanted ? result : nil
  }

  /// What its entry means in a configuration file at this path.
  private func settings(besides file: String) throws(ConfigurationError) -> InstanceSettings {
    try Settings(parsing: newConfiguration(spool: "/"), file: file).instances[0]
  }

  private func insertion(
    into document: YAMLNode, spool: String
  ) -> LineInsertion? {
    guard document.isBlockMapping, case .mapping(let entries) = document.content else { return nil }
    let margin = entries.first?.keyColumn ?? 0
    guard let list = entries.first(where: { $0.key == SettingKey.instances.rawValue }) else {
      let head = String(repeating: " ", count: margin)
      let isSpoolNamed = entries.contains { $0.key == SettingKey.spool.rawValue }
      return LineInsertion(
        lines: (isSpoolNamed ? [] : ["\(head)spool: \(spool)"]) + ["\(head)instances:"]
          + lines(indentation: margin + 2),
        line: entries.last?.value.lastLine)
    }
    guard list.value.isBlockMapping, case .mapping(let instances) = list.value.content,
      let first = instances.first, let last = instances.last
    else { return nil }
    var step = 2
    if case .mapping(let settings) = first.value.content, first.value.isBlockMapping,
      let setting = settings.first
    {
      step = setting.keyColumn - first.keyColumn
    }
    return LineInsertion(
      lines: lines(indentation: first.keyColumn, step: step), line: last.value.lastLine,
      commentColumn: first.keyColumn + 1)
  }
}

extension Settings {
  /// These settings with one more instance; nil if one has this name.
  fileprivate func adding(_ instance: InstanceSettings) -> Settings? {
    guard !instances.contains(where: { $0.name == instance.name }) else { return nil }
    var settings = self
    settings.instances.append(instance)
    return settings
  }
}

/// Lines to be inserted into a text.
private struct LineInsertion {
  let lines: [String]
  /// The line that they are to stand behind, counted from 1; nil: at the end.
  let line: Int?
  /// Comments that follow and are indented so far or further stay with what is before them.
  var commentColumn = Int.max

  /// The new lines end as the one before them does.
  func applied(to text: [UInt8]) -> [UInt8] {
    let newline = UInt8(ascii: "\n")
    var ends = text.indices.filter { text[$0] == newline }.map { $0 + 1 }
    if ends.last ?? 0 < text.count { ends.append(text.count) }
    var count = min(line ?? ends.count, ends.count)
    for index in count..<ends.count {
      let content = text[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
      let first = content.firstIndex { !" \t\r\n".utf8.contains($0) }
      guard let first else { continue }
      guard text[first] == UInt8(ascii: "#"), first - content.startIndex >= commentColumn else {
        break
      }
      count = index + 1
    }
    let before = text[..<(count == 0 ? 0 : ends[count - 1])]
    let ending = before.suffix(2).first == UInt8(ascii: "\r") ? "\r\n" : "\n"
    let inserted = lines.map { "\($0)\(ending)" }.joined()
    let isOpen = before.last != nil && before.last != newline
    return before + (isOpen ? Array(ending.utf8) : []) + Array(inserted.utf8)
      + text[before.endIndex...]
  }
}
