internal import ArgumentParser
internal import CommandLineProgram
internal import Glibc
internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook config show`
struct ConfigShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print every setting, and where its value comes from.",
    discussion: """
      Prints YAML that can be a configuration itself. Paths are absolute. Behind each value stands \
      its line in the file, or that it is the default. A running responder uses the values that it \
      read last: after a change, reload it.

      Exit code 0: printed; 78: the file is wrong; `config check` says more.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "One JSON object. A setting's line is null if it has its default.")
  var json = false

  func run() throws {
    try reportingErrors {
      let shown = try ShownConfiguration(options.path)
      if json { printJSON(shown.json) } else { printResult(Array(shown.yaml.utf8)) }
    }
  }
}

/// The settings of a file, each with its line.
private struct ShownConfiguration {
  private let file: String
  private let settings: Settings
  private let lines: SettingLines

  init(_ path: String) throws {
    // So that paths in the file, which are relative to it, are absolute, too.
    file = absolute(path)
    let reading = try SettingsReading(file: file)
    guard let settings = reading.settings else { throw reading.problems[0] }
    (self.settings, lines) = (settings, reading.lines)
  }

  // MARK: YAML

  var yaml: String {
    var text = "# Lines of \(printable(file))\n"
    for (key, value) in settings.values { append(key, value, lines.top[key], "", to: &text) }
    text += "\(SettingKey.instances.rawValue):\(origin(lines.top[.instances]))\n"
    for instance in settings.instances {
      let own = lines.instances[instance.name]
      text += "  \(instance.name):\(origin(own?.line))\n"
      for (key, value) in instance.values {
        append(key, value, own?.settings[key], "    ", to: &text)
      }
    }
    return text
  }

  private func append(
    _ key: SettingKey, _ value: SettingValue, _ line: Int?, _ margin: String, to text: inout String
  ) {
    let name = "\(margin)\(key.rawValue):"
    switch value {
    case .number(let number): text += "\(name) \(number)\(origin(line))\n"
    case .text(let value): text += "\(name) \(yamlText(value))\(origin(line))\n"
    // A list without elements cannot be written.
    case .texts([]): text += "\(margin)# \(key.rawValue) has no value\(origin(line))\n"
    case .texts(let values):
      text += "\(name)\(origin(line))\n"
      for value in values { text += "\(margin)  - \(yamlText(value))\n" }
    }
  }

  private func origin(_ line: Int?) -> String { line.map { "  # line \($0)" } ?? "  # default" }

  // MARK: JSON

  var json: JSONObject {
    [
      "file": .string(file), "settings": .object(json(settings.values, lines.top)),
      "instances": .array(
        settings.instances.map { instance in
          let own = lines.instances[instance.name]
          return .object([
            "name": .string("\(instance.name)"), "line": own.map { .number($0.line) } ?? .null,
            "settings": .object(json(instance.values, own?.settings ?? [:])),
          ])
        }),
    ]
  }

  private func json(
    _ values: [(key: SettingKey, value: SettingValue)], _ lines: [SettingKey: Int]
  ) -> JSONObject {
    JSONObject(
      values.map { key, value in
        let line = lines[key].map { JSONValue.number($0) } ?? .null
        return (key.rawValue, .object(["value": json(value), "line": line]))
      })
  }

  private func json(_ value: SettingValue) -> JSONValue {
    switch value {
    case .number(let number): .number(number)
    case .text(let text): .string(text)
    case .texts(let texts): .array(texts.map { .string($0) })
    }
  }
}

/// A text as YAML's double-quoted style has it, in ASCII; without quotes if it can mean nothing else.
private func yamlText(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy {
    (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || "/._-".utf8.contains($0)
  }
  if isPlain, let first = text.utf8.first, first == UInt8(ascii: "/") || first | 0x20 >= 0x61,
    !["null", "true", "false", "yes", "no", "on", "off"].contains(text.lowercased())
  {
    return text
  }
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": quoted += "\\\(scalar)"
    case " "..."~": quoted.unicodeScalars.append(scalar)
    default:
      let digits = String(scalar.value, radix: 16)
      quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    }
  }
  return quoted + "\""
}
