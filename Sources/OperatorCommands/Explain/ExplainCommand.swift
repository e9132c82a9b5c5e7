internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
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

      With --last it is the newest refused request that the responder has kept (keep-refused), of all \
      instances or that of --instance, decided as of the time when it came:

        delve-webhook explain --last bad-signature

      A kept request names its instance, hook and time; the options stand in their place.

      Exit code 0: it would be stored; 1: it would be refused.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "The newest request that was kept, or the newest with the code word that follows.")
  var last = false

  @Argument(
    help: "The file to read (default: standard input). With --last: a code word.",
    completion: .file())
  var file: String?

  @Option(
    help: "The instance (default: the only one that is configured).",
    completion: SpoolCompletion.instances)
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
      let (bytes, name) = last ? try lastKept(configuration) : (try inputContents(file), nil)
      let request = try CapturedRequest(parsing: bytes)
      let kept = KeptFacts(of: request)
      let explanation =
        if let problem = kept.problem {
          Explanation(misconfigured: problem)
        } else {
          Explanation(
            Question(
              request: request,
              instance: try chosenInstance(configuration, for: request, kept.instance),
              hook: hook ?? kept.hook, policy: configuration.settings.policy,
              now: try clock() ?? kept.time ?? .now()))
        }
      if json {
        printJSON(explanation.json)
      } else {
        if let name { printResult("kept as \(name)") }
        print(explanation)
      }
      if explanation.refusal != nil { throw ExitCode.failure }
    }
  }

  /// The newest request that was kept, and where it lies.
  private func lastKept(_ configuration: Configuration) throws -> ([UInt8], String?) {
    if let file, !Refusal.Reason.allCases.contains(where: { $0.codeWord == file }) {
      throw CommandError.usage("--last: \(printable(file)) is no code word of a refusal")
    }
    let requests = RefusedRequests(inSpool: configuration.settings.spool)
    let instances = configuration.instances.map(\.name).filter {
      instance == nil || $0.description == instance
    }
    // Those that name no instance lie beside them.
    let beside: [InstanceName?] = instance == nil ? [nil] : []
    let names = try requests.newestFirst(of: instances + beside, codeWord: file, now: .now())
    // A file that cannot be read was put there by somebody else.
    for name in names {
      if let bytes = try? requests.contents(of: name) {
        return (bytes, RefusedRequests.path(of: name))
      }
    }
    let isOff = configuration.settings.keptRefused == 0
    throw CommandError.noInput(
      "no such request is kept"
        + (isOff ? ": none is, until keep-refused is set in the configuration" : ""))
  }

  private func clock() throws(CommandError) -> Timestamp? {
    guard let now else { return nil }
    guard let seconds = Int64(now) ?? CalendarDate.seconds(rfc3339: now), seconds >= 0,
      seconds <= NumericDate.latest
    else {
      throw .usage("--now: expected 2026-09-21T14:13:20Z or seconds since 1970")
    }
    return Timestamp(seconds: seconds)
  }

  /// If there is only a token, no `X-Signature` is asked for.
  private func chosenInstance(
    _ configuration: Configuration, for request: CapturedRequest, _ kept: String?
  ) throws(CommandError) -> Instance {
    let wanted = instance ?? kept
    let chosen = configuration.instances.filter {
      wanted == nil || $0.name.description == wanted
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
