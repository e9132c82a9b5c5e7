internal import ArgumentParser
internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
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

      --to https://… posts each as a CloudEvents structured event. 2xx: it goes to done/.

      An event pays for a failure only if the target takes others: it goes to defer/, to be tried \
      again, or, if the target refuses its content twice, to dead/, the answer beside it. If the \
      target takes none, every event stays where it is, and one is tried from time to time.

      Without --follow it ends when there are no events left, or when the target takes none; with it, \
      it waits for both, and for a spool that cannot be used. SIGTERM, SIGINT and SIGHUP let what is in hand finish, for 30 seconds; a \
      second one ends it at once. An event that has not arrived stays where it was.

      Exit code 0: every event that was due has arrived; 1: some have not; 64: wrong command line; \
      66: no such instance; 69: the target takes no events; 71: the limit on open files is too low; \
      73: the metrics file cannot be written; 74: the spool failed; 77: it belongs to another user; 78: wrong configuration, here or at the \
      target.
      """,
    version: commandVersionText(
      of: "delve-webhook-forward", libraries: [postgreSQLVersion, curlVersion]))

  @OptionGroup var options: DrainingOptions

  @Option(
    help: ArgumentHelp(
      "Where to: postgresql://…, https://…, or http://localhost….", valueName: "url"))
  var to: String?

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

  /// Those of the options that not every engine takes.
  private var givenOptions: [Engine.Option] {
    Engine.Option.allCases.filter { option in
      switch option {
      case .prepare: prepare
      case .headerFile: headerFile != nil
      case .caFile: caFile != nil
      }
    }
  }

  func validate() throws {
    if printSchema { return }
    guard let to, let engine = Engine.taking(to) else {
      throw ValidationError("Name the target: --to \(Engine.schemes()).")
    }
    guard (1...256).contains(jobs) else { throw ValidationError("--jobs must be 1 to 256.") }
    guard (1...3_600).contains(timeout) else {
      throw ValidationError("--timeout must be 1 to 3600.")
    }
    for option in givenOptions where !engine.options.contains(option) {
      throw ValidationError(
        "--\(option.rawValue) is only for \(Engine.schemes(with: option)).")
    }
  }

  func run() throws {
    if printSchema { return printResult(schema.joined(separator: "\n")) }
    try reportingErrors(while: .moving) {
      guard let to, let engine = Engine.taking(to) else { return }
      let log = Log(environment: .ofProcess())
      do {
        // Before the first thread, so that nobody else takes them.
        let signals = try StopSignals()
        let target = try engine.make(
          .init(
            address: to, timeLimitSeconds: timeout, jobs: jobs, headerFile: headerFile,
            caFile: caFile, log: log))
        if prepare, let target = target as? any PreparableTarget {
          return printResult(try target.prepare(signals))
        }
        // An event that is claimed is open; a request has a connection.
        let draining = try Draining(
          .forward, options, signals, neededDescriptors: 64 + target.batchSize + 2 * jobs,
          maximumAttempts: nil, log: log)
        let forwarder = Forwarder(to: target, from: draining, withProof: withProof)
        try draining.run { try forwarder.run() }
      } catch let error as TargetError {
        throw error.kind == .misconfigured
          ? CommandError.configuration(error.message) : .unavailable(error.message)
      } catch let error as SystemError {
        throw CommandError.system("\(error.call.rawValue): \(error.reason)")
      }
    }
  }
}
