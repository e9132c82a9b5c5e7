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
      With --to postgresql://…, the program inserts events into the table delve_event, in batches. \
      --prepare creates the table. Passwords come from libpq's own places: the password file, a \
      service file, the environment.

      With --to https://…, it posts each event as a CloudEvents structured event. After a 2xx, the \
      event goes to done/.

      A failure counts against an event only if the target takes others. Then the event goes to \
      defer/, to be tried again. If the target refuses its content twice, it goes to dead/, with \
      the answer beside it. If the target takes no event, every event stays where it is, and one \
      is tried from time to time.

      Without --follow, the program ends when no events are left, or when the target takes none. \
      With --follow, it waits in both cases, and also for a spool that cannot be used. On SIGTERM, \
      SIGINT and SIGHUP, it finishes what is in hand, for 30 seconds. A second signal ends it at \
      once. An event that has not arrived stays where it was.

      Exit code 0: every event that was due has arrived, or a signal ended --follow; 1: some \
      have not; 64: wrong command line; 66: no such spool or instance; 69: the target takes no \
      events; 71: the limit on open files is too low; 73: the metrics file cannot be written; 74: \
      the spool failed; 77: the spool belongs to another user; 78: wrong configuration, here or \
      at the target.
      """,
    version: commandVersionText(
      of: "delve-webhook-forward", libraries: [postgreSQLVersion, curlVersion]))

  @OptionGroup var options: DrainingOptions

  @Option(
    help: ArgumentHelp(
      "The target: postgresql://…, https://…, or http://localhost….", valueName: "url"))
  var to: String?

  @Flag(help: "Hand on the token, X-Signature, the sender's address and the path, too.")
  var withProof = false

  @Flag(help: "Create the table delve_event, and end.")
  var prepare = false

  @Flag(help: "Print the SQL that --prepare runs, and end.")
  var printSchema = false

  @Option(
    help: ArgumentHelp(
      "A file with header fields for https, such as Authorization, one a line.",
      valueName: "file"))
  var headerFile: String?

  @Option(
    help: ArgumentHelp(
      "The certificates that are trusted for https, PEM, in place of the system's.",
      valueName: "file"))
  var caFile: String?

  @Option(help: ArgumentHelp("Requests at the same time, for https.", valueName: "number"))
  var jobs = 8

  @Option(
    help: ArgumentHelp(
      "How long one request, connection or statement may take, in seconds.", valueName: "seconds"))
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
      // Before the first thread, so that nobody else takes them.
      let signals = try StopSignals()
      let target = try engine.make(
        .init(
          address: to, timeLimitSeconds: timeout, jobs: jobs, headerFile: headerFile,
          caFile: caFile, log: log))
      if prepare, let target = target as? any PreparableTarget {
        do throws(TargetError) {
          return printResult(try target.prepare(signals))
        } catch {
          throw failure(of: target, error)
        }
      }
      // An event that is claimed is open; a request has a connection.
      let draining = try Draining(
        .forward, options, signals, neededDescriptors: 64 + target.batchSize + 2 * jobs,
        maximumAttempts: nil, log: log)
      let forwarder = Forwarder(to: target, from: draining, withProof: withProof)
      do {
        try draining.run { try forwarder.run() }
      } catch let error as TargetError {
        throw failure(of: target, error, left: draining.backlog())
      }
    }
  }

  /// - Parameter left: how many events wait in the spool; nil if that does not matter.
  private func failure(
    of target: any EventTarget, _ error: TargetError, left: Int? = nil
  ) -> CommandError {
    let name = printable(target.name)
    let rest = left.map { "; \($0) \($0 == 1 ? "event waits" : "events wait") in new/" } ?? ""
    guard error.kind == .misconfigured else {
      let remedy = left == nil || options.follow ? "" : "; with --follow it is tried until it does"
      return .unavailable("\(name) takes no events: \(error.message)\(rest)\(remedy)")
    }
    return .configuration("\(name): \(error.message)\(rest)")
  }
}
