internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookCore

/// How a process ended that was started for an event.
struct HandlerRun: Sendable {
  let ending: AttemptRecord.Ending
  /// The last of its standard error.
  let errorOutput: String
  /// How much of its standard error was not passed on.
  let cutErrorBytes: Int
  /// Whether it was ended because the runner stops.
  let wasStopped: Bool
}

/// The handler could not be started at all.
struct HandlerError: Error {
  let message: String
}

/// The command that handles events, one process each.
struct Handler: Sendable {
  /// What each event sets anew.
  static let eventVariables = [
    "DELVE_EVENT_FILE", "DELVE_EVENT_ID", "DELVE_INSTANCE", "DELVE_TYPE", "DELVE_SUBJECT",
    "DELVE_URL",
  ]
  /// What the service manager means for the runner's own process (sd_listen_fds(3), sd_notify(3),
  /// sd_watchdog_enabled(3)).
  static let managerVariables = [
    "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
  ]

  private let program: HandlerProgram
  private let arguments: [[UInt8]]
  private let timeLimit: Duration
  private let environment: [[UInt8]]
  private let log: Log
  private let now: @Sendable () -> SuspendingClock.Instant

  /// - Parameters:
  ///   - command: the program, which is looked up on the `PATH`, and its arguments.
  ///   - timeLimit: of one run. It does not run while the machine sleeps.
  ///   - environment: the runner's.
  ///   - log: is told what of a handler's standard error was cut.
  ///   - now: the time that `timeLimit` is measured by.
  init(
    _ command: [[UInt8]], timeLimit: Duration, environment: Environment, log: Log,
    now: @escaping @Sendable () -> SuspendingClock.Instant = { .now }
  ) throws(HandlerError) {
    program = try HandlerProgram(command[0], on: environment.bytes(of: "PATH"))
    arguments = command
    self.timeLimit = timeLimit
    self.environment = environment.without(Self.eventVariables + Self.managerVariables).entries
    self.log = log
    self.now = now
  }

  /// Runs it with the event as its standard input. Its output goes to our own standard output and
  /// error.
  /// - Parameter variables: beside our own environment.
  func run(
    on event: ClaimedEvent, variables: [(name: String, value: String)], stop: StopRequest
  ) throws(HandlerError) -> HandlerRun {
    let run = try run(input: event.descriptor, variables: variables, stop: stop)
    if run.cutErrorBytes > 0 {
      log.write(
        .warning, "not all of a command's standard error is in this log",
        [
          "instance": .text("\(event.instance)"), "file": .text(event.fileName),
          "missingbytes": .number(run.cutErrorBytes),
        ])
    }
    return run
  }

  /// Runs it with an open file as its standard input.
  func run(
    input: Int32, variables: [(name: String, value: String)], stop: StopRequest
  ) throws(HandlerError) -> HandlerRun {
    let environment = environment + variables.map { Array("\($0.name)=\($0.value)".utf8) }
    do throws(SystemError) {
      return try run(input: input, environment: environment, stop)
    } catch {
      throw HandlerError(message: program.explanation(of: error.errno))
    }
  }

  private func run(
    input: Int32, environment: [[UInt8]], _ stop: StopRequest
  ) throws(SystemError) -> HandlerRun {
    let pipe = try Pipe()
    makeNonBlocking(pipe.readEnd.raw)
    var wait = HandlerWait(timeLimit: timeLimit, stop, now: now)
    let process = try start(input: input, error: pipe.writeEnd.raw, environment: environment)
    let output = pipe.closingWriteEnd()
    var errorOutput = ErrorOutput()
    let (cause, ended) = wait.end(of: process, output: output.raw, &errorOutput)
    var wasStopped = cause == .stop
    if StopSignals.all.contains(where: { ended == .signal($0) }), cause == .ended {
      // The signal was meant for the runner, too: a Ctrl-C that came before the handler had its own
      // process group, the end of a session or of a service. Ours is read in a moment.
      usleep(50_000)
      wasStopped = stop.isMade
    }
    return HandlerRun(
      ending: AttemptRecord.Ending(ended, isOverTime: cause == .timeLimit),
      errorOutput: errorOutput.text, cutErrorBytes: errorOutput.cutBytes, wasStopped: wasStopped)
  }

  /// Starts the process. A program that somebody writes just now is waited for, for two seconds.
  private func start(
    input: Int32, error: Int32, environment: [[UInt8]]
  ) throws(SystemError) -> ChildProcess {
    for _ in 0..<20 {
      do throws(SystemError) {
        return try ChildProcess(
          path: program.path, arguments: arguments, environment: environment, input: input,
          error: error)
      } catch  where error.errno == ETXTBSY {
        usleep(100_000)
      }
    }
    throw SystemError(.spawn, errno: ETXTBSY)
  }
}

extension AttemptRecord.Ending {
  /// - Parameter isOverTime: it was asked to end. If it still says that it is done, it is.
  init(_ ended: ChildProcess.Ending, isOverTime: Bool) {
    switch ended {
    case .exit(EXIT_SUCCESS): self = .exit(EXIT_SUCCESS)
    case .exit(let code): self = isOverTime ? .timeLimit : .exit(code)
    case .signal(let number): self = isOverTime ? .timeLimit : .signal(number)
    }
  }
}
