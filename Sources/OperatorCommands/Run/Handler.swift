internal import CommandLineProgram
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
  /// How much of what it said was not passed on.
  let cutBytes: Int
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
  ///   - log: is told what of a handler's output was cut.
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
  /// - Parameters:
  ///   - variables: beside our own environment.
  ///   - bar: what goes to its terminal appears above it.
  func run(
    on event: ClaimedEvent, variables: [(name: String, value: String)], stop: StopRequest,
    above bar: ProgressBar
  ) throws(HandlerError) -> HandlerRun {
    let run = try run(
      input: event.descriptor, variables: variables, stop: stop, above: bar.isShown ? bar : nil)
    if run.cutBytes > 0 {
      log.write(
        .warning, "not all that a command said is in this log",
        [
          "instance": .text("\(event.instance)"), "file": .text(event.fileName),
          "missingbytes": .number(run.cutBytes),
        ])
    }
    return run
  }

  /// Runs it with an open file as its standard input.
  func run(
    input: Int32, variables: [(name: String, value: String)], stop: StopRequest,
    above bar: ProgressBar? = nil
  ) throws(HandlerError) -> HandlerRun {
    let environment = environment + variables.map { Array("\($0.name)=\($0.value)".utf8) }
    do throws(SystemError) {
      return try run(input: input, environment: environment, stop, above: bar)
    } catch {
      throw HandlerError(message: program.explanation(of: error.errno))
    }
  }

  private func run(
    input: Int32, environment: [[UInt8]], _ stop: StopRequest, above bar: ProgressBar?
  ) throws(SystemError) -> HandlerRun {
    let errorPipe = try Pipe()
    let outputPipe = try Pipe()
    for end in [errorPipe.readEnd.raw, outputPipe.readEnd.raw] { makeNonBlocking(end) }
    // Output that does not go to the bar's terminal is not touched.
    let isAboveBar = bar != nil && isOutputTerminal
    var wait = HandlerWait(timeLimit: timeLimit, stop, now: now)
    let process = try start(
      input: input, output: isAboveBar ? outputPipe.writeEnd.raw : STDOUT_FILENO,
      error: errorPipe.writeEnd.raw, environment: environment)
    let error = errorPipe.closingWriteEnd()
    let output = outputPipe.closingWriteEnd()
    var streams = [
      HandlerStream(from: error.raw, HandlerOutput(passedOnTo: STDERR_FILENO, above: bar)),
      HandlerStream(from: output.raw, HandlerOutput(passedOnTo: STDOUT_FILENO, above: bar)),
    ]
    let (cause, ended) = wait.end(of: process, &streams)
    var wasStopped = cause == .stop
    if StopSignals.all.contains(where: { ended == .signal($0) }), cause == .ended {
      // The signal was meant for the runner, too: a Ctrl-C that came before the handler had its own
      // process group, the end of a session or of a service. Ours is read in a moment.
      usleep(50_000)
      wasStopped = stop.isMade
    }
    return HandlerRun(
      ending: AttemptRecord.Ending(ended, isOverTime: cause == .timeLimit),
      errorOutput: streams[0].output.text,
      cutBytes: streams.reduce(0) { $0 + $1.output.cutBytes }, wasStopped: wasStopped)
  }

  /// Starts the process. A program that somebody writes just now is waited for, for two seconds.
  private func start(
    input: Int32, output: Int32, error: Int32, environment: [[UInt8]]
  ) throws(SystemError) -> ChildProcess {
    for _ in 0..<20 {
      do throws(SystemError) {
        return try ChildProcess(
          path: program.path, arguments: arguments, environment: environment, input: input,
          output: output, error: error)
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
