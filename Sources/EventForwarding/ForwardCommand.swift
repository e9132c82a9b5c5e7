internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// The program `delve-webhook-forward`.
@MainActor
package func runForwarder() async {
  await runProgram(ForwardCommand.self)
}

struct ForwardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delve-webhook-forward",
    abstract: "Hand the spool's events on to PostgreSQL or over HTTP, the oldest first.",
    discussion: """
      --to postgresql://… inserts them into the table delve_event, in batches; --prepare makes it. \
      Passwords come from libpq's own places: the password file, a service file, the environment.

      --to https://… posts each as a CloudEvents structured event. 2xx: it goes to done/. 401, 403, \
      407, 408, 429, 5xx or no answer: to defer/, to be tried again. Other 4xx: to dead/, the answer \
      beside it.

      Without --follow it ends when there are no events left, or when the target takes none; with it, \
      it waits for both. SIGTERM and SIGINT let what is in hand finish, for 30 seconds; a second one \
      ends it at once. What has not arrived stays where it was.

      Exit code 0: every event that was due has arrived; 1: some have not; 64: wrong command line; \
      66: no such instance; 69: the target takes no events; 71: the limit on open files is too low; 74: the spool failed; \
      77: it belongs to another user; 78: wrong configuration, here or at the target.
      """,
    version: "delve-webhook-forward \(programVersion)")

  @OptionGroup var options: SpoolOptions

  @Option(
    help: ArgumentHelp(
      "Where to: postgresql://…, https://…, or http://localhost….", valueName: "url"))
  var to: String?

  @Flag(help: "Wait for further events when there are none, and for a target that is away.")
  var follow = false

  @Flag(help: "The oldest event alone, to try a target out.")
  var once = false

  @Flag(help: "Also the token, X-Signature, the sender's address and the path asked for.")
  var withProof = false

  @Flag(help: "Make the table delve_event, and end.")
  var prepare = false

  @Flag(help: "Print the SQL that --prepare runs, and end.")
  var printSchema = false

  @Option(help: "A file of further header fields for https, such as Authorization, one a line.")
  var headerFile: String?

  @Option(help: "The certificates that are trusted for https, PEM, in place of the system's.")
  var caFile: String?

  @Option(help: "Requests at the same time, for https.")
  var jobs = 8

  @Option(help: "Seconds that one request, connection or statement may take.")
  var timeout = 30

  func validate() throws {
    if printSchema { return }
    guard let to else {
      throw ValidationError("Name the target: --to postgresql://… or https://….")
    }
    let isPostgreSQL = to.hasPrefix("postgresql://") || to.hasPrefix("postgres://")
    guard !(follow && once) else { throw ValidationError("Name --follow or --once, not both.") }
    guard (1...256).contains(jobs) else { throw ValidationError("--jobs must be 1 to 256.") }
    guard (1...3_600).contains(timeout) else {
      throw ValidationError("--timeout must be 1 to 3600.")
    }
    if prepare && !isPostgreSQL { throw ValidationError("--prepare is for postgresql:// alone.") }
    if isPostgreSQL && (headerFile != nil || caFile != nil) {
      throw ValidationError("--header-file and --ca-file are for https:// alone.")
    }
  }

  func run() throws {
    if printSchema { return printResult(schema) }
    try reportingFailures {
      do {
        // Before the first thread, so that nobody else takes them.
        let signals = StopSignals()
        let log = Log(environment: .ofProcess())
        guard let to else { return }
        if to.hasPrefix("postgres") {
          let target = PostgreSQLTarget(
            try ConnectionURI(to), timeLimitSeconds: timeout, log)
          if prepare {
            return printResult("delve_event is ready in \(try target.prepare(signals))")
          }
          try forward(to: target, signals, log)
        } else {
          try forward(to: try httpTarget(TargetURL(to)), signals, log)
        }
      } catch let problem as AddressProblem {
        throw CommandFailure(description: problem.sentence, exitCode: EX_USAGE)
      } catch let failure as TargetFailure {
        let isWrong = failure.kind == .misconfigured
        throw CommandFailure(
          description: failure.message, exitCode: isWrong ? EX_CONFIG : EX_UNAVAILABLE)
      } catch let error as SystemError {
        throw CommandFailure.spool(error)
      }
    }
  }

  private func httpTarget(_ url: TargetURL) throws(CommandFailure) -> HTTPTarget {
    guard
      let target = HTTPTarget(
        .init(url: url, caFile: caFile, timeLimitSeconds: timeout),
        headerFile: headerFile.map(HeaderFile.init), jobs: jobs)
    else { throw .unavailable("libcurl does not start") }
    return target
  }

  private func forward(to target: any EventTarget, _ signals: StopSignals, _ log: Log) throws {
    // An event that is claimed is open; a request has a connection.
    let needed = 64 + target.batchSize + 2 * jobs
    guard raisedDescriptorLimit() >= needed else {
      throw CommandFailure(
        description: "the limit on open files is too low: raise it to \(needed) (LimitNOFILE)",
        exitCode: EX_OSERR)
    }
    let queue = try WatchedQueue(ofSpool: try options.path(), isWanted: options.isWanted)
    try options.requireInstance(in: queue)
    let forwarder = Forwarder(
      to: target, from: queue, signals,
      .init(isFollowing: follow, withProof: withProof, limit: once ? 1 : .max), log,
      ProgressBar(total: follow || once ? 0 : try queue.backlog()))
    let manager = ServiceManager(environment: .ofProcess())
    manager.notify(.ready)
    defer { manager.notify(.stopping) }
    if try !forwarder.run(), !follow { throw ExitCode.failure }
  }
}
