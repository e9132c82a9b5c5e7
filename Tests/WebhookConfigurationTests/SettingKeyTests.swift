internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore

/// The table of keys: by itself, as the file is read by it, and as the manual page has it.
struct SettingKeyTests {
  /// The keys whose values are numbers.
  private static let numbers: [(key: SettingKey, range: ClosedRange<Int>, default: Int)] =
    SettingKey.allCases.compactMap { key in
      guard case .number(let range, let missing) = key.facts.form else { return nil }
      return (key, range, missing)
    }

  // MARK: By itself

  @Test(arguments: SettingKey.allCases)
  func defaultIsAValueThatIsAllowed(key: SettingKey) {
    switch key.facts.form {
    case .mapping: break
    case .text(let missing): #expect(missing != "")
    case .texts(let most, let missing):
      #expect(most >= 1)
      #expect((missing ?? []).count <= most)
    case .number(let range, let missing): #expect(range.contains(missing))
    case .choice(let choices, let missing): #expect(choices.contains(missing))
    }
  }

  @Test func everyKeyHasAPlaceInTheOrderOfTheTable() {
    #expect(
      SettingKey.all(in: .top) == [
        .spool, .instances, .maxAgeSeconds, .clockSkewSeconds, .body, .maxBodyBytes,
        .maxTokenBytes, .workers, .minimumFreeBytes, .slowMilliseconds, .keepRefused, .keyReports,
      ])
    #expect(
      SettingKey.all(in: .instance) == [
        .url, .keys, .keyLocation, .algorithms, .xSignature, .audience,
      ])
  }

  @Test(arguments: SettingKey.allCases)
  func keyIsSpelledWithLowerCaseWordsAndHyphens(key: SettingKey) {
    #expect(key.rawValue.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
  }

  /// The spool's memory is counted from this bound.
  @Test func longestMaxAgeIsTheOneThatTheSpoolRemembersBeyond() {
    let row = Self.numbers.first { $0.key == .maxAgeSeconds }
    #expect(row?.range.upperBound == Int(Freshness.longestMaxAgeSeconds))
  }

  // MARK: As it is read

  private func isTaken(_ key: SettingKey, _ value: String) -> Bool {
    let text = """
      spool: /s
      \(key.rawValue): \(value)
      instances: {acme: {url: "https://acme.delvesecurity.app", keys: k.pem}}
      """
    return (try? Settings(parsing: Array(text.utf8), file: "config.yaml")) != nil
  }

  @Test(arguments: numbers.map(\.key))
  func numberIsTakenAtEitherEndOfItsRangeAndNotBeyond(key: SettingKey) throws {
    let range = try #require(Self.numbers.first { $0.key == key }?.range)
    #expect(isTaken(key, "\(range.lowerBound)"))
    #expect(isTaken(key, "\(range.upperBound)"))
    #expect(!isTaken(key, "\(range.lowerBound - 1)"))
    #expect(!isTaken(key, "\(UInt(range.upperBound) + 1)"))
  }

  // MARK: As delve-webhook.yaml(5) has it

  /// One item of its lists of keys.
  private struct Item {
    let key: String
    var lines: [Substring] = []

    /// Without macros, in one line.
    var text: String {
      lines.map { $0.replacing(#/^\.[A-Z][a-z] /#, with: "") }.joined(separator: " ")
    }
  }

  private static func pageLines() throws -> ArraySlice<Substring> {
    let page = "\(Repository.root)/Sources/WebhookConfiguration/delve-webhook.yaml.5"
    return String(decoding: try fileBytes(page), as: UTF8.self).split(separator: "\n")
      .drop { $0 != ".Sh SETTINGS" }
  }

  /// In their order.
  private static func documentedItems() throws -> [Item] {
    var items: [Item] = []
    var depth = 0
    for line in try pageLines().prefix(while: { $0 != ".Ss Several instances" }) {
      if line.hasPrefix(".Bl") { depth += 1 }
      if line == ".El" { depth -= 1 }
      if depth == 1, let key = line.wholeMatch(of: /\.It Cm (.+)/)?.1 {
        items.append(Item(key: String(key)))
      } else if depth > 0, !items.isEmpty {
        items[items.count - 1].lines.append(line)
      }
    }
    return items
  }

  private func documentedItem(_ key: SettingKey) throws -> Item {
    try #require(try Self.documentedItems().first { $0.key == key.rawValue })
  }

  @Test func everyKeyIsDocumentedOnceAndNoOther() throws {
    #expect(
      try Self.documentedItems().map(\.key).sorted()
        == SettingKey.allCases.map(\.rawValue).sorted())
  }

  @Test(arguments: numbers.map(\.key))
  func numberIsDocumentedWithItsRangeAndDefault(key: SettingKey) throws {
    let (_, range, missing) = try #require(Self.numbers.first { $0.key == key })
    let text = try documentedItem(key).text
    #expect(text.contains("The default is \(missing)"), "\(text)")
    let words = range.upperBound < .max ? "\(range.lowerBound) to \(range.upperBound)" : "0 or more"
    #expect(text.contains(words), "\(text)")
  }

  @Test(arguments: SettingKey.allCases)
  func choiceIsDocumentedWithAllItsValuesAndDefault(key: SettingKey) throws {
    guard case .choice(let choices, let missing) = key.facts.form else { return }
    let lines = try documentedItem(key).lines
    for choice in choices { #expect(lines.contains(".It Cm \(choice)"), "\(choice)") }
    let meaning = lines.drop { $0 != ".It Cm \(missing)" }.dropFirst()
      .prefix { !$0.hasPrefix(".It") }
    #expect(meaning.contains("This is the default."))
  }

  @Test(arguments: [(SettingKey.keys, "1 to 16"), (.keyLocation, "1 to 8"), (.audience, "1 to 64")])
  func listIsDocumentedWithItsLength(key: SettingKey, length: String) throws {
    guard case .texts(let most, _) = key.facts.form else { return }
    #expect(length == "1 to \(most)")
    #expect(try documentedItem(key).text.contains("list of \(length)"))
  }

  @Test func keysThatNeedARestartAreDocumented() throws {
    for key in SettingKey.allCases where !key.facts.isAppliedByReload {
      #expect(try documentedItem(key).text.contains("A change needs a restart"), "\(key)")
    }
    let restart = SettingKey.allCases.filter { !$0.facts.isAppliedByReload }.map(\.rawValue)
    let reloading = try Self.pageLines().drop { $0 != ".Sh RELOADING" }.joined(separator: " ")
    #expect(
      reloading.contains(
        "except a change of \(restart.map { ".Cm \($0)" }.joined(separator: " or "))"))
  }
}
