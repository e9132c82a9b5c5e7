internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore

/// The manual page and the example, beside the table of keys.
struct DocumentationTests {
  private static let folder = "\(Repository.root)/Sources/WebhookConfiguration"

  private static let choices = SettingKey.allCases.flatMap { (key) -> [String] in
    guard case .choice(let choices, _) = key.facts.form else { return [] }
    return choices
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try fileBytes("\(Self.folder)/\(name)"), as: UTF8.self)
  }

  private func settings(_ text: some StringProtocol) throws -> Settings {
    try Settings(parsing: Array(text.utf8), file: "/etc/delve-webhook/config.yaml")
  }

  // MARK: delve-webhook.yaml(5)

  /// What the page says of each key, on one line, in its order. A choice belongs to its key.
  private func items() throws -> [(key: String, text: String)] {
    var items: [(key: String, text: String)] = []
    for line in try text("delve-webhook.yaml.5").split(separator: "\n") {
      if line.hasPrefix(".Sh ") || line.hasPrefix(".Ss ") {
        items.append(("", ""))
      } else if let name = line.wholeMatch(of: /\.It Cm ([a-z-]+)/)?.1,
        !Self.choices.contains(String(name))
      {
        items.append((String(name), ""))
      } else if !items.isEmpty {
        items[items.count - 1].text += " \(line)"
      }
    }
    return items.filter { !$0.key.isEmpty }
  }

  private func item(_ key: SettingKey) throws -> String {
    try #require(try items().first { $0.key == key.rawValue }?.text)
  }

  @Test func pageExplainsEveryKeyInTheOrderOfTheTableAndNoOther() throws {
    let keys = SettingKey.all(in: .top) + SettingKey.all(in: .instance)
    #expect(try items().map(\.key) == keys.map(\.rawValue))
  }

  @Test(arguments: SettingKey.allCases)
  func pageHasTheRangeAndTheDefault(key: SettingKey) throws {
    let text = try item(key)
    switch key.facts.form {
    case .mapping: break
    case .text(let missing):
      if let missing { #expect(text.contains("The default is .Pa \(missing) ")) }
    case .number(let range, let missing):
      let allowed =
        range.upperBound == .max
        ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
      #expect(text.contains(allowed))
      #expect(text.contains("The default is \(missing)"))
    case .texts(let most, let missing):
      // As many as there are algorithms is no limit.
      if key != .algorithms { #expect(text.contains("1 to \(most) ")) }
      for value in missing ?? [] { #expect(text.contains("The default is .Ql \(value) .")) }
    case .choice(let choices, let missing):
      for choice in choices { #expect(text.contains(".It Cm \(choice) ")) }
      #expect(
        text.split(separator: " .It Cm ").contains {
          $0.hasPrefix("\(missing) ") && $0.contains("This is the default.")
        })
    }
    #expect(text.contains("needs a restart") == !key.facts.isAppliedByReload)
  }

  @Test func pageNamesEveryAlgorithm() throws {
    guard case .texts(let most, _) = SettingKey.algorithms.facts.form else { return }
    let listed = try item(.algorithms).matches(of: /\.Ql ([A-Z][A-Za-z0-9]+) [,.]/).map(\.1)
    #expect(Set(listed).count == most)
  }

  @Test func exampleOfThePageIsAConfiguration() throws {
    let page = try text("delve-webhook.yaml.5")
    let example = try #require(
      page.firstMatch(of: /\.Sh EXAMPLES\n(?:[^.].*\n)*\.Bd .*\n((?:[^.].*\n)*)\.Ed/)?.1)
    let settings = try settings(example)
    #expect(settings.instances.map(\.name.description) == ["acme", "globex"])
  }

  // MARK: config.yaml

  @Test func exampleHasEveryKeyInTheOrderOfTheTable() throws {
    let keys = try text("config.yaml").matches(of: /(?m)^ *(?:# ?)?([a-z-]+):(?: |$)/)
      .map { String($0.1) }.filter { $0 != "acme" }
    let top = SettingKey.all(in: .top).filter { $0 != .instances } + [.instances]
    #expect(keys == (top + SettingKey.all(in: .instance)).map(\.rawValue))
  }

  @Test func exampleHasTheRangeOfEveryNumber() throws {
    let text = try text("config.yaml")
    for key in SettingKey.allCases {
      guard case .number(let range, _) = key.facts.form, range.upperBound < .max else { continue }
      #expect(text.contains("\(range.lowerBound) to \(range.upperBound)"), "\(key)")
    }
  }

  /// Taken as it is, and with the # removed from every default, it means the same.
  @Test func commentsOfTheExampleAreTheDefaults() throws {
    let text = try text("config.yaml")
    let withDefaults = text.replacing(/(?m)^( *)#([a-z])/) { "\($0.1)\($0.2)" }
    let minimal = """
      spool: /var/spool/delve-webhook
      instances:
        acme:
          url: https://acme.delvesecurity.app
          keys: [keys/acme.json]
      """
    let expected = "\(try settings(minimal))"
    #expect("\(try settings(text))" == expected)
    #expect("\(try settings(withDefaults))" == expected)
    // Required are four; audience has no default.
    #expect(text.matches(of: /(?m)^ *#[a-z]/).count == SettingKey.allCases.count - 5)
  }
}
