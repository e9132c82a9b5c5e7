internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// `delve-webhook spool run`
struct SpoolRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a command for each event, the oldest first.",
    usage: "delve-webhook spool run [OPTION...] -- COMMAND [ARGUMENT...]",
    discussion: """
      The command's standard input is the event's file. In its environment are DELVE_EVENT_FILE, \
      DELVE_EVENT_ID, DELVE_INSTANCE, DELVE_TYPE, DELVE_SUBJECT and DELVE_URL. Its exit code says \
      what becomes of the event:

        0             handled: it goes to done/
        75            not now: it goes to defer/ and is tried again, as often as it takes
        65            never: it goes to dead/
        anything else failed: it goes to defer/, and after --max-attempts of those to dead/

      What is put off is tried again after 10 seconds, then after twice as long each time, up to an \
      hour. `spool show` tells how the last attempt ended and what it said.

      SIGTERM and SIGINT let running commands finish, for 30 seconds; a second one ends them at once. \
      What was ended so stays as it was.

      Exit code 0: every event was handled; 1: some were not; 66: no such instance; 69: the command cannot \
      be started; 71: the limit on open files is too low; 74: the spool failed; 77: it belongs to another user.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(help: "Commands that run at the same time.")
  var jobs = 1

  @Flag(help: "Wait for further events when there are none.")
  var follow = false

  @Flag(help: "The oldest event alone, to try a command out.")
  var once = false

  @Option(help: "Seconds that one run may take.")
  var timeout = 300

  @Option(help: "Failed attempts after which an event is given up.")
  var maxAttempts = 20

  @Argument(parsing: .postTerminator, help: "The command and its arguments.")
  var command: [String] = []

  func validate() throws {
    guard !command.isEmpty else { throw ValidationError("Name a command behind --.") }
    guard !(follow && once) else { throw ValidationError("Name --follow or --once, not both.") }
    guard (1...1_000).contains(jobs) else { throw ValidationError("--jobs must be 1 to 1000.") }
    guard (1...86_400).contains(timeout) else {
      throw ValidationError("--timeout must be 1 to 86400.")
    }
    guard (1...1_000).contains(maxAttempts) else {
      throw ValidationError("--max-attempts must be 1 to 1000.")
    }
  }

  func run() throws {
    try reportingFailures {
      // Whoever started us may have it ignored, and then no end of a process could be waited for.
      signal(SIGCHLD, SIG_DFL)
      // A process takes some descriptors, and so does its event.
      guard raisedDescriptorLimit() >= 64 + 8 * jobs else {
        throw CommandFailure(
          description: "the limit on open files is too low for --jobs \(jobs): raise it to "
            + "\(64 + 8 * jobs) (LimitNOFILE)", exitCode: EX_OSERR)
      }
      // Before the first thread of ours, so that nobody else takes them.
      let signals = StopSignals()
      let isComplete = try runCommands(signals)
      if !isComplete && !follow { throw ExitCode.failure }
    }
  }

  private func runCommands(_ signals: StopSignals) throws -> Bool {
    let environment = Environment.ofProcess()
    let handler: Handler
    do throws(Handler.CannotStart) {
      handler = try Handler(command, timeLimit: .seconds(timeout), environment: environment)
    } catch {
      throw CommandFailure.unavailable(error.message)
    }
    do {
      let log = Log(environment: environment)
      let queue = try WatchedQueue(ofSpool: try options.path(), isWanted: options.isWanted)
      try options.requireInstance(in: queue)
      let runner = Runner(
        handler,
        .init(
          jobs: once ? 1 : jobs, isFollowing: follow, limit: once ? 1 : .max,
          policy: RetryPolicy(maximumAttempts: maxAttempts)),
        urls: options.instanceURLs(), log: log,
        bar: ProgressBar(total: follow || once ? 0 : try queue.backlog()), stop: signals.request)
      let manager = ServiceManager(environment: environment)
      manager.notify(.ready)
      defer { manager.notify(.stopping) }
      return try runner.run(queue, signals)
    } catch let error as SystemError {
      throw CommandFailure.spool(error)
    } catch Runner.Failure.cannotStart(let message) {
      throw CommandFailure.unavailable(message)
    } catch Runner.Failure.spool(let error) {
      throw CommandFailure.spool(error)
    }
  }
}
