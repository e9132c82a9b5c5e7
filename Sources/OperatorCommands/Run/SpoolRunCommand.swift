internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookCore

/// `delve-webhook spool run`
struct SpoolRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a command for each event, the oldest first.",
    usage: "delve-webhook spool run [OPTION...] -- COMMAND [ARGUMENT...]",
    discussion: """
      The command's standard input is the event's file. Its exit code decides what happens to the event:

        0              handled: it goes to done/
        75             not now: it goes to defer/; tried again as often as needed
        65             never: it goes to dead/
        anything else  failed: it goes to defer/; after --max-attempts, to dead/

      A command that a signal ended, or that ran longer than --timeout, has failed, too.

      An event in defer/ is tried again after 10 seconds, then after twice as long each time, up \
      to an hour; each delay varies a little. `spool show` prints how the last attempt ended, and \
      the end of its standard error. If this program is killed, the event in hand counts as tried.

      The command inherits this program's environment, without \
      \(Handler.managerVariables.joined(separator: ", ")). These are added: \
      \(Handler.eventVariables.joined(separator: ", ")). The limit on open files is the one that \
      this program was started with.

      With --state dead, the command is run for each event that was given up, to tell somebody. 0 \
      means that somebody was told. After any other exit code, the command is run again after the \
      delays above, as often as needed. The event stays in dead/. Its record, \
      DELVE_EVENT_FILE.state, says why it was given up. The record also notes that somebody was \
      told, so nobody is told twice, unless this program is killed in between. `spool retry` \
      removes that note. A file in dead/ that holds no event has no DELVE_EVENT_ID, DELVE_TYPE and \
      DELVE_SUBJECT.

      On SIGTERM, SIGINT, SIGHUP and SIGQUIT, running commands may finish, for 30 seconds or until a \
      second signal. Then they are ended, and their events stay as they were, unless the exit code \
      is 0, 65 or 75. To end a command, also at its --timeout, it and its process group get \
      SIGTERM, and five seconds later SIGKILL.

      Exit code 0: every event was handled, or a signal ended --follow; 1: some events were not; \
      66: no such spool or instance; 69: the command cannot be started; 71: the limit on open \
      files is too low; 73: the metrics file cannot be written; 74: the spool failed; 77: the \
      spool belongs to another user.
      """)

  /// Of the events that the command is run for, if they do not wait.
  enum State: String, CaseIterable, ExpressibleByArgument {
    case dead
  }

  private static let defaultMaxAttempts = 20

  @OptionGroup var options: DrainingOptions

  @Option(help: "Run the command for each event in this folder: dead (default: those that wait).")
  var state: State?

  @Option(help: ArgumentHelp("How many commands run at the same time.", valueName: "number"))
  var jobs = 1

  @Option(help: ArgumentHelp("How long one run may take, in seconds.", valueName: "seconds"))
  var timeout = 300

  @Option(
    help: ArgumentHelp(
      "Failed attempts after which an event is given up (default: \(Self.defaultMaxAttempts)).",
      valueName: "number"))
  var maxAttempts: Int?

  @Argument(parsing: .postTerminator, help: "The command and its arguments.")
  var command: [String] = []

  func validate() throws {
    guard !command.isEmpty else { throw ValidationError("Give a command after --.") }
    guard (1...1_000).contains(jobs) else { throw ValidationError("--jobs must be 1 to 1000.") }
    guard (1...86_400).contains(timeout) else {
      throw ValidationError("--timeout must be 1 to 86400.")
    }
    guard (1...1_000).contains(maxAttempts ?? 1) else {
      throw ValidationError("--max-attempts must be 1 to 1000.")
    }
    guard state == nil || maxAttempts == nil else {
      throw ValidationError("--max-attempts is not for --state dead: that is tried without an end.")
    }
  }

  func run() throws {
    try reportingErrors(while: .moving) {
      // If it was inherited as ignored, no end of a process could be waited for.
      signal(SIGCHLD, SIG_DFL)
      let environment = Environment.ofProcess()
      let log = Log(environment: environment)
      let maxAttempts = maxAttempts ?? Self.defaultMaxAttempts
      do {
        // Before the first thread of ours, so that nobody else takes them.
        let signals = try StopSignals()
        // The last ones of the command line, byte for byte.
        let handler = try Handler(
          Array(commandLineBytes().suffix(command.count)), timeLimit: .seconds(timeout),
          environment: environment, log: log)
        // A process takes some descriptors, and so does its event.
        let draining = try Draining(
          state == .dead ? .dead : .run, options, signals, neededDescriptors: 64 + 8 * jobs,
          maximumAttempts: maxAttempts, log: log)
        let runner = try Runner(
          handler, jobs: options.once ? 1 : jobs, RetryPolicy(maximumAttempts: maxAttempts),
          urls: InstanceURLs(options.spool.configuration), for: draining)
        try draining.run { try runner.run(draining) }
      } catch let error as HandlerError {
        throw CommandError.unavailable(error.message)
      }
    }
  }
}
