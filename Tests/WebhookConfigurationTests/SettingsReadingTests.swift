internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore

/// Everything that is wrong in a configuration file.
struct SettingsReadingTests {
  private static let file = "/etc/dw/config.yaml"
  private static let good = """
    spool: /s
    max-age-seconds: 300
    instances:
      acme:
        url: https://acme.delvesecurity.app
        keys: [a.pem, "b c.pem"]
        algorithms: ES512
      beta: {url: "https://b.example", keys: k, audience: [one, two]}
    key-reports: reports
    """

  private func reading(_ text: some StringProtocol) -> SettingsReading {
    SettingsReading(parsing: Array(text.utf8), file: Self.file)
  }

  private func firstError(_ text: some StringProtocol) -> ConfigurationError? {
    do throws(ConfigurationError) {
      _ = try Settings(parsing: Array(text.utf8), file: Self.file)
      return nil
    } catch {
      return error
    }
  }

  private func name(_ text: String) throws -> InstanceName { try #require(InstanceName(text)) }

  @Test func linesOfAllSettingsAreKnown() throws {
    let reading = reading(Self.good)
    #expect(reading.problems == [])
    #expect(reading.settings?.keyReports == "/etc/dw/reports")
    #expect(
      reading.lines.top == [.spool: 1, .maxAgeSeconds: 2, .instances: 3, .keyReports: 9])
    let (first, second) = (try name("acme"), try name("beta"))
    let acme = try #require(reading.lines.instances[first])
    #expect(acme.line == 4)
    #expect(acme.settings == [.url: 5, .keys: 6, .algorithms: 7])
    let beta = try #require(reading.lines.instances[second])
    #expect(beta.settings == [.url: 8, .keys: 8, .audience: 8])
  }

  @Test func everyProblemIsFoundAndTheFirstIsTheOneThatIsThrown() {
    let text = """
      workers: many
      colour: red
      max-age-seconds: &a 5
      body: maybe
      instances:
        acme: {url: "http://x", keys: [], algorithms: [none, HS512], x-signature: off}
        -b: {}
        beta: {url: "https://b.example", keys: k}
        gamma: text
      body: match
      """
    let reading = reading(text)
    let expected: [(Int, String)] = [
      (3, "anchors and tags"), (10, "duplicate key body"), (2, "colour: unknown key"),
      (1, "spool is missing"), (4, "body: found"), (1, "workers: found"), (6, "url: found"),
      (6, "keys: found a list of 0"), (6, "algorithms: found \"none\""),
      (6, "algorithms: found \"HS512\""), (6, "x-signature: found"),
      (7, "instances: an instance's"),
      (9, "gamma must be a mapping"),
    ]
    #expect(reading.problems.count == expected.count, "\(reading.problems)")
    for (problem, (line, beginning)) in zip(reading.problems, expected) {
      #expect(problem.line == line)
      #expect(problem.message.hasPrefix(beginning), "\(problem)")
    }
    #expect(reading.settings == nil)
    #expect(reading.instances.map(\.name.description) == ["beta"])
    #expect(firstError(text) == reading.problems.first)
  }

  @Test func textThatCannotBeReadToItsEndHasWhatWasFoundBefore() {
    let problems = reading("spool: /s\nspool: /t\nbody: ]\nworkers: 0").problems
    #expect(problems.map(\.line) == [2, 3])
    #expect(problems.last?.message.hasPrefix("not YAML") == true)
  }

  @Test func problemsAreBounded() {
    let text = (0..<5_000).map { "key-\($0): *b\n" }.joined()
    #expect(reading(text).problems.count == 100)
  }

  /// Lines are left out, repeated, cut and mixed with what YAML makes of odd characters.
  @Test(arguments: 0..<400)
  func everyDamagedFileHasSettingsOrProblems(seed: UInt64) {
    var random = SplitMix(state: seed)
    var lines = Self.good.split(separator: "\n").map(String.init)
    let odd = [
      "&a ", "*a", "!!str ", "[", "{", "}", "\t", ": ", "- ", "\"", "'", "---", "~", "\u{1}",
    ]
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let index = Int.random(in: 0..<lines.count, using: &random)
      switch Int.random(in: 0...4, using: &random) {
      case 0 where lines.count > 1: lines.remove(at: index)
      case 1: lines.insert(lines[index], at: index)
      case 2: lines[index] = String(lines[index].dropLast(3))
      case 3: lines.swapAt(index, 0)
      default:
        let place = lines[index].indices.randomElement(using: &random) ?? lines[index].startIndex
        lines[index].insert(contentsOf: odd.randomElement(using: &random) ?? "", at: place)
      }
    }
    let text = lines.joined(separator: "\n")
    let reading = reading(text)
    #expect((reading.settings == nil) == !reading.problems.isEmpty, "\(text)")
    #expect(firstError(text) == reading.problems.first, "\(text)")
    let count = text.count { $0 == "\n" } + 2
    for problem in reading.problems { #expect((1...count).contains(problem.line ?? 0), "\(text)") }
  }
}

/// A source of numbers that are the same in each run.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var number = state
    number = (number ^ number >> 30) &* 0xBF58_476D_1CE4_E5B9
    number = (number ^ number >> 27) &* 0x94D0_49BB_1331_11EB
    return number ^ number >> 31
  }
}
