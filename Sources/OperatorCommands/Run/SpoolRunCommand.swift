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
      The command's standard input is the event's file. Its environment is this program's \
      without \(Handler.managerVariables.joined(separator: ", ")), and with \
      \(Handler.eventVariables.joined(separator: ", ")). Its limit on open files is the one \
      that this program was started with. Its exit code says what becomes of the event:

        0             handled: it goes to done/
        75            not now: it goes to defer/ and is tried again, as often as it takes
        65            never: it goes to dead/
        anything else failed: it goes to defer/, and after --max-attempts of those to dead/

      An event in defer/ is tried again after 10 seconds, then after twice as long each time, up to an \
      hour. `spool show` tells how the last attempt ended and what it said. An event that was in hand \
      when this program was killed counts as tried.

      If what became of an event cannot be recorded, as on a full disk, that is tried again, and no \
      command is started meanwhile: for 30 seconds, or with --follow without an end. A folder that \
      cannot be used stops all handling; with --follow it is waited for. A single file that cannot be \
      handled is named and left out.

      With --state dead the command tells somebody of each event that was given up: with 0 it has, and \
      with anything else it is run again after the delays above, as often as it takes. The event \
      stays in dead/. Its record, DELVE_EVENT_FILE.state, says why it was given up, and there it is \
      noted that somebody was told, so nobody is told twice unless this program is killed in between. \
      `spool retry` takes that note away. A file in dead/ that holds no event has no DELVE_EVENT_ID, \
      DELVE_TYPE and DELVE_SUBJECT.

      The first 4 MiB of each command's standard error are passed on.

      SIGTERM, SIGINT and SIGHUP let running commands finish, for 30 seconds; a second one ends \
      them at once. An event whose command was ended so stays as it was.

      Exit code 0: every event was handled; 1: some were not; 66: no such instance; 69: the command \
      cannot be started; 71: the limit on open files is too low; 73: the metrics file \
      cannot be written; 74: the spool failed; 77: it belongs \
      to another user.
      """)

  /// Of the events that the command is run for, if they do not wait.
  enum State: String, CaseIterable, ExpressibleByArgument {
    case dead
  }

  private static let defaultMaxAttempts = 20

  @OptionGroup var options: DrainingOptions

  @Option(help: "Run it for each event that was given up, in place of those that wait.")
  var state: State?

  @Option(help: "Commands that run at the same time.")
  var jobs = 1

  @Option(help: "Seconds that one run may take.")
  var timeout = 300

  @Option(
    help: "Failed attempts after which an event is given up (default: \(Self.defaultMaxAttempts)).")
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
      } catch let error as SystemError {
        throw CommandError.system("\(error.call.rawValue): \(error.reason)")
      }
    }
  }
}
