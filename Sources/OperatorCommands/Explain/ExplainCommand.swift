internal import ArgumentParser
internal import CommandLineProgram
internal import ServiceProcess
internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook explain`
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Decide one delivery offline, and say every step's verdict.",
    discussion: """
      Reads a token, or a captured request (raw HTTP text), from standard input or a file; never \
      from an argument, which every user of the machine could see. The decision is the responder's \
      own code; the spool is not looked at. If there is only a token, no X-Signature is asked for.

        delve-webhook explain --now 2026-09-21T14:13:20Z < request.txt

      Exit code 0: it would be stored; 1: it would be refused.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Argument(help: "The file to read (default: standard input).")
  var file: String?

  @Option(help: "The instance (default: the only one that is configured).")
  var instance: String?

  @Option(
    help: "The hook of the location: \(Hook.allCases.map(\.rawValue).joined(separator: ", ")).")
  var hook: Hook?

  @Option(help: "The clock: 2026-09-21T14:13:20Z, or seconds since 1970 (default: now).")
  var now: String?

  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    try reportingErrors {
      let configuration = try options.loaded()
      let request = try CapturedRequest(parsing: try inputContents(file))
      let explanation = Explanation(
        Question(
          request: request, instance: try chosenInstance(configuration, for: request), hook: hook,
          policy: configuration.settings.policy, now: try clock()))
      if json { printJSON(explanation.json) } else { print(explanation) }
      if explanation.refusal != nil { throw ExitCode.failure }
    }
  }

  private func clock() throws(CommandError) -> Timestamp {
    guard let now else { return .now() }
    guard let seconds = Int64(now) ?? CalendarDate.seconds(rfc3339: now), seconds >= 0,
      seconds <= NumericDate.latest
    else {
      throw .usage("--now: expected 2026-09-21T14:13:20Z or seconds since 1970")
    }
    return Timestamp(seconds: seconds)
  }

  /// If there is only a token, no `X-Signature` is asked for.
  private func chosenInstance(
    _ configuration: Configuration, for request: CapturedRequest
  ) throws(CommandError) -> Instance {
    let chosen = configuration.instances.filter {
      instance == nil || $0.name.description == instance
    }
    guard let only = chosen.first, chosen.count == 1 else {
      let names = configuration.instances.map(\.name.description).joined(separator: ", ")
      throw .usage("--instance: name one of: \(names)")
    }
    return request.isTokenAlone ? only.withoutXSignature : only
  }

  private func print(_ explanation: Explanation) {
    let width = DecisionStep.allCases.map(\.rawValue.count).max() ?? 0
    for (step, verdict, note) in explanation.steps {
      let name = step.rawValue + String(repeating: " ", count: width - step.rawValue.count)
      let mark =
        switch verdict {
        case .passed: "ok     "
        case .refused: "REFUSED"
        case .notReached: "-      "
        }
      printResult("\(name)  \(mark)\(note.isEmpty ? "" : "  \(note)")")
    }
    printResult("answer: \(explanation.status.rawValue) \(explanation.codeWord)")
  }
}
