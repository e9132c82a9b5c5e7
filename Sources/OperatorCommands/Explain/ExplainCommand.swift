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
    abstract: "Decide one delivery offline, and show the verdict of every step.",
    discussion: """
      Reads a token, or a captured request (raw HTTP text), from a file or from standard input. \
      A token is never an argument: every user of the machine could see it. The responder's own code \
      decides. The spool is not read. A token without a request needs no X-Signature.

        delve-webhook explain --now 2026-09-21T14:13:20Z < request.txt

      With --last, the newest refused request is explained, as of the time when it came. The \
      responder must have kept it: see `keep-refused` in the configuration. Requests of all \
      instances count, or only those of --instance. You may name a code word:

        delve-webhook explain --last bad-signature

      A kept request records its instance, hook and time. --instance, --hook and --now override them.

      Exit code 0: the delivery would be stored; 1: it would be refused; 66: there is no such \
      file, or no request was kept.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Explain the newest kept request, or the newest with the code word that follows.")
  var last = false

  @Argument(
    help: "The file to read (default: standard input). With --last: a code word.",
    completion: .file())
  var file: String?

  @Option(
    help: ArgumentHelp(
      "The instance (default: the only one that is configured).", valueName: "name"),
    completion: SpoolCompletion.instances)
  var instance: String?

  @Option(
    help: "The hook of the location: \(Hook.allCases.map(\.rawValue).joined(separator: ", ")).")
  var hook: Hook?

  @Option(
    help: ArgumentHelp(
      "The clock: 2026-09-21T14:13:20Z, or seconds since 1970 (default: now).", valueName: "time"))
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
