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
  /// Whether it was ended because the runner stops.
  let wasStopped: Bool
}

/// The handler could not be started at all.
struct HandlerError: Error {
  let message: String
}

/// The command that handles events, one process each.
struct Handler: Sendable {
  /// How long a process that was asked to end may take.
  private static let timeToEnd = Duration.seconds(5)

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

  /// - Parameters:
  ///   - command: the program, which is looked up on the `PATH`, and its arguments.
  ///   - timeLimit: of one run.
  ///   - environment: the runner's.
  init(
    _ command: [[UInt8]], timeLimit: Duration, environment: Environment
  ) throws(HandlerError) {
    program = try HandlerProgram(command[0], on: environment.bytes(of: "PATH"))
    arguments = command
    self.timeLimit = timeLimit
    self.environment = environment.without(Self.eventVariables + Self.managerVariables).entries
  }

  /// Runs it with the event as its standard input. Its output goes to our own standard output and
  /// error.
  /// - Parameter variables: beside our own environment.
  func run(
    on event: ClaimedEvent, variables: [(name: String, value: String)], stop: StopRequest
  ) throws(HandlerError) -> HandlerRun {
    let environment = environment + variables.map { Array("\($0.name)=\($0.value)".utf8) }
    do throws(SystemError) {
      return try run(input: event.descriptor, environment: environment, stop)
    } catch {
      throw HandlerError(message: program.explanation(of: error.errno))
    }
  }

  private func run(
    input: Int32, environment: [[UInt8]], _ stop: StopRequest
  ) throws(SystemError) -> HandlerRun {
    let pipe = try Pipe()
    makeNonBlocking(pipe.readEnd.raw)
    let process = try start(input: input, error: pipe.writeEnd.raw, environment: environment)
    let output = pipe.closingWriteEnd()
    var errorOutput = ErrorOutput()
    let (cause, ended) = wait(for: process, output: output.raw, &errorOutput, stop)
    var wasStopped = cause == .stop
    if StopSignals.all.contains(where: { ended == .signal($0) }), cause == .ended {
      // The signal was meant for the runner, too: a Ctrl-C that came before the handler had its own
      // process group, the end of a session or of a service. Ours is read in a moment.
      usleep(50_000)
      wasStopped = stop.isMade
    }
    return HandlerRun(
      ending: AttemptRecord.Ending(ended, isOverTime: cause == .timeLimit),
      errorOutput: errorOutput.text, wasStopped: wasStopped)
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

  // MARK: Waiting

  private enum Cause {
    case ended, timeLimit, stop
  }

  /// - Returns: why it ended, and how.
  private func wait(
    for process: borrowing ChildProcess, output: Int32, _ errorOutput: inout ErrorOutput,
    _ stop: StopRequest
  ) -> (Cause, ChildProcess.Ending) {
    let deadline = ContinuousClock.now + timeLimit
    var cause = Cause.ended
    var killAt: ContinuousClock.Instant?
    var isOutputOpen = true
    while true {
      waitUntilReadable(
        [process.descriptor, isOutputOpen ? output : -1], milliseconds: 100)
      isOutputOpen = errorOutput.read(from: output)
      if let ending = process.ending() {
        // What it said last; a grandchild may keep the pipe open, and is not waited for.
        _ = errorOutput.read(from: output)
        return (cause, ending)
      }
      let now = ContinuousClock.now
      if let killAt {
        if now >= killAt { process.send(signal: SIGKILL) }
      } else if now >= deadline || stop.endsWork {
        cause = now >= deadline ? .timeLimit : .stop
        process.send(signal: SIGTERM)
        killAt = now + Self.timeToEnd
      }
    }
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

/// A handler's standard error: passed on to our own as it comes, and its end kept.
private struct ErrorOutput {
  private var kept: [UInt8] = []

  var text: String { String(decoding: kept, as: UTF8.self) }

  /// Reads what there is, but not without an end: a handler may write faster than it is read.
  /// - Returns: whether more may come.
  mutating func read(from descriptor: Int32) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    for _ in 0..<16 {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
      // If nobody reads our own, it is not waited for.
      if isWritable(STDERR_FILENO) { _ = write(STDERR_FILENO, buffer, count) }
      kept = Array((kept + buffer.prefix(count)).suffix(AttemptRecord.maximumOutputBytes))
    }
    return true
  }
}
