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

  private let path: String
  private let arguments: [String]
  private let timeLimit: Duration
  private let environment: [String]

  /// - Parameters:
  ///   - command: the program, which is looked up on the `PATH`, and its arguments.
  ///   - timeLimit: of one run.
  init(_ command: [String], timeLimit: Duration, environment: Environment) throws(HandlerError) {
    path = try Self.find(command[0], on: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
    arguments = command
    self.timeLimit = timeLimit
    let foreign = ["DELVE_", "LISTEN_", "WATCHDOG_", "NOTIFY_SOCKET"]
    self.environment = environment.variables.filter { name, _ in
      !foreign.contains { name.hasPrefix($0) }
    }.map { "\($0)=\($1)" }
  }

  private static func find(_ program: String, on path: String) throws(HandlerError) -> String {
    if program.contains("/") {
      guard access(program, X_OK) == 0 else {
        throw HandlerError(
          message: "\(printable(program)): \(errorText(errno)); name a program that can be executed"
        )
      }
      return program
    }
    for folder in path.split(separator: ":") {
      let file = "\(folder)/\(program)"
      var status = stat()
      if access(file, X_OK) == 0, stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
        return file
      }
    }
    throw HandlerError(message: "\(printable(program)): there is no such program on the PATH")
  }

  /// Runs it with the event as its standard input. Its output goes to our own standard output and
  /// error.
  /// - Parameter variables: beside our own environment.
  func run(
    on event: ClaimedEvent, variables: [(name: String, value: String)], stop: StopRequest
  ) throws(HandlerError) -> HandlerRun {
    do throws(SystemError) {
      return try run(
        on: event, environment: environment + variables.map { "\($0.name)=\($0.value)" }, stop)
    } catch {
      let hint = error.errno == ENOEXEC ? "; does it begin with a line such as #!/bin/sh?" : ""
      throw HandlerError(message: "\(printable(path)): \(error.reason)\(hint)")
    }
  }

  private func run(
    on event: ClaimedEvent, environment: [String], _ stop: StopRequest
  ) throws(SystemError) -> HandlerRun {
    let pipe = try Pipe()
    makeNonBlocking(pipe.readEnd.raw)
    let process = try ChildProcess(
      path: path, arguments: arguments, environment: environment, input: event.descriptor,
      error: pipe.writeEnd.raw)
    let output = pipe.closingWriteEnd()
    var errorOutput = ErrorOutput()
    let (cause, ended) = wait(for: process, output: output.raw, &errorOutput, stop)
    var wasStopped = cause == .stop
    if ended == .signal(SIGINT) || ended == .signal(SIGTERM), cause == .ended {
      // A Ctrl-C may have reached it before it had its own process group: our own signals are read
      // in a moment.
      usleep(50_000)
      wasStopped = stop.isMade
    }
    return HandlerRun(
      ending: AttemptRecord.Ending(ended, isOverTime: cause == .timeLimit),
      errorOutput: errorOutput.text, wasStopped: wasStopped)
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
