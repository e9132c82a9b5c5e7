internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore

/// The table of keys: by itself, as the file is read by it, and as the README has it.
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

  // MARK: As the README has it

  /// One line of its table.
  private struct Row {
    let key, range, missing: String
  }

  private static func configurationSection() throws -> [Substring] {
    let text = String(decoding: try fileBytes("\(Repository.root)/README.md"), as: UTF8.self)
    return Array(
      text.split(separator: "\n").drop { $0 != "## Configuration" }.dropFirst()
        .prefix { !$0.hasPrefix("## ") })
  }

  /// In their order.
  private static func documentedRows() throws -> [Row] {
    try configurationSection().compactMap { line in
      let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
      guard cells.count == 3, let key = cells[0].firstMatch(of: /`([a-z-]+)`/)?.1 else {
        return nil
      }
      return Row(key: String(key), range: cells[1], missing: cells[2])
    }
  }

  private func documentedRow(_ key: SettingKey) throws -> Row {
    try #require(try Self.documentedRows().first { $0.key == key.rawValue })
  }

  @Test func everyKeyIsDocumentedOnceAndNoOther() throws {
    #expect(
      try Self.documentedRows().map(\.key).sorted()
        == SettingKey.allCases.map(\.rawValue).sorted())
  }

  @Test(arguments: numbers.map(\.key))
  func numberIsDocumentedWithItsRangeAndDefault(key: SettingKey) throws {
    let (_, range, missing) = try #require(Self.numbers.first { $0.key == key })
    let row = try documentedRow(key)
    #expect(row.missing == "\(missing)")
    // A range without an end is told in words.
    if range.upperBound < .max {
      #expect(row.range.hasPrefix("\(range.lowerBound) to \(range.upperBound)"), "\(row.range)")
    }
  }

  @Test(arguments: SettingKey.allCases)
  func choiceIsDocumentedWithAllItsValuesAndDefault(key: SettingKey) throws {
    guard case .choice(let choices, let missing) = key.facts.form else { return }
    let row = try documentedRow(key)
    #expect(row.missing == "`\(missing)`")
    for choice in choices { #expect(row.range.contains("`\(choice)`"), "\(choice)") }
  }

  @Test(arguments: [(SettingKey.keys, "1 to 16 "), (.keyLocation, "one or up to 8,")])
  func listIsDocumentedWithItsLength(key: SettingKey, beginning: String) throws {
    guard case .texts(let most, _) = key.facts.form else { return }
    #expect(beginning.contains("\(most)"))
    #expect(try documentedRow(key).range.hasPrefix(beginning))
  }

  @Test func keysThatNeedARestartAreDocumented() throws {
    let keys = SettingKey.allCases.filter { !$0.facts.isAppliedByReload }.map { "`\($0.rawValue)`" }
    let sentence = "A change of \(keys.joined(separator: " or ")) needs a restart"
    #expect(try Self.configurationSection().contains { $0.hasPrefix(sentence) })
  }
}
