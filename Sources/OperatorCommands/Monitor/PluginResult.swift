internal import CommandLineProgram
internal import WebhookCore

/// What a plugin of Nagios and its like says with its exit code.
enum PluginState: Int32 {
  case ok = 0
  case warning, critical, unknown

  var word: String {
    switch self {
    case .ok: "OK"
    case .warning: "WARNING"
    case .critical: "CRITICAL"
    case .unknown: "UNKNOWN"
    }
  }

  /// An unknown state may be as bad as any, but a known critical one is worse.
  fileprivate var rank: Int {
    switch self {
    case .ok: 0
    case .warning: 1
    case .unknown: 2
    case .critical: 3
    }
  }
}

/// What such a plugin prints: a line for the overview, with numbers for graphs, and then the remedy,
/// or a line for each of several problems.
struct PluginResult {
  struct Problem {
    let state: PluginState
    let sentence: String
    var remedy: String?
  }

  /// A number for graphs, with the limits that it must not pass.
  struct Metric {
    let label: String
    /// Nil if it is not known.
    let value: Int64?
    var unit = ""
    /// Ranges in Nagios' form.
    var warning: String?
    var critical: String?
  }

  /// A monitor reads some kilobytes: what one page or folder can cause is bounded.
  private static let mostProblemLines = 20
  private static let mostBytesOfAText = 300

  private let problems: [Problem]
  /// If there is no problem.
  private let summary: String
  private let metrics: [Metric]

  init(problems: [Problem], summary: String, metrics: [Metric]) {
    // Stable: what was found first is said first.
    self.problems = problems.enumerated().sorted {
      (-$0.element.state.rank, $0.offset) < (-$1.element.state.rank, $1.offset)
    }.map(\.element)
    (self.summary, self.metrics) = (summary, metrics)
  }

  /// If nothing else is known.
  init(_ problem: Problem) {
    self.init(problems: [problem], summary: "", metrics: [])
  }

  /// Also the exit code says it, if nobody reads the line, and that nothing is known if it cannot be
  /// written.
  func print() {
    setExitCodeIfUnread(state.rawValue)
    setExitCodeIfUnwritten(PluginState.unknown.rawValue)
    printResult(text)
  }

  var state: PluginState { problems.first?.state ?? .ok }

  var text: String {
    var first = "\(state.word) - \(headline)"
    if !metrics.isEmpty { first += " | " + metrics.map(\.text).joined(separator: " ") }
    // The first line has said the only problem.
    if problems.count == 1 {
      return ([first] + problems.compactMap(\.remedy).map(Self.plain)).joined(separator: "\n")
    }
    let lines = problems.prefix(Self.mostProblemLines).map { problem in
      let remedy = problem.remedy.map { ": \(Self.plain($0))" } ?? ""
      return "\(problem.state.word): \(Self.plain(problem.sentence))\(remedy)"
    }
    let rest = problems.count - lines.count
    return ([first] + lines + (rest > 0 ? ["and \(rest) more"] : [])).joined(separator: "\n")
  }

  private var headline: String {
    guard let worst = problems.first else { return Self.plain(summary) }
    let others = problems.count - 1
    return Self.plain(worst.sentence) + (others > 0 ? " (and \(others) more)" : "")
  }

  /// On one line, and without the character that ends a text.
  private static func plain(_ text: String) -> String {
    let short =
      text.utf8.count > mostBytesOfAText
      ? String(decoding: text.utf8.prefix(mostBytesOfAText), as: UTF8.self) + "..." : text
    let escaped = printable(short).replacing("\\\"", with: "\"")
      .replacing("|", with: #"\u{7C}"#)
    return escaped.hasSuffix(".") && !escaped.hasSuffix("...")
      ? String(escaped.dropLast()) : escaped
  }
}

extension PluginResult.Metric {
  /// `label=value[unit];[warning];[critical];[minimum]`; U is a value that is not known.
  fileprivate var text: String {
    "\(label)=\(value.map { "\($0)\(unit)" } ?? "U");\(warning ?? "");\(critical ?? "");0"
  }
}
