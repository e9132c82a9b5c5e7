internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore

/// The table of keys: by itself, and as the file is read by it.
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
}
