internal import CLinux
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// The command that handles events, one process each.
struct Handler: Sendable {
  /// How a process ended that was started for an event.
  struct Run: Sendable {
    let ending: AttemptRecord.Ending
    /// The last of its standard error.
    let errorOutput: String
    /// Whether it was ended because the runner stops.
    let wasStopped: Bool
  }

  /// It could not be started at all.
  struct CannotStart: Error {
    let message: String
  }

  /// How long a process that was asked to end may take.
  private static let secondsToEnd = 5

  private let path: String
  private let arguments: [String]
  private let timeLimit: Duration
  private let environment: [String]

  /// - Parameters:
  ///   - command: the program, which is looked up on the `PATH`, and its arguments.
  ///   - timeLimit: of one run.
  init(_ command: [String], timeLimit: Duration, environment: Environment) throws(CannotStart) {
    path = try Self.find(command[0], on: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
    arguments = command
    self.timeLimit = timeLimit
    let foreign = ["DELVE_", "LISTEN_", "WATCHDOG_", "NOTIFY_SOCKET"]
    self.environment = environment.variables.filter { name, _ in
      !foreign.contains { name.hasPrefix($0) }
    }.map { "\($0)=\($1)" }
  }

  private static func find(_ program: String, on path: String) throws(CannotStart) -> String {
    if program.contains("/") {
      guard access(program, X_OK) == 0 else {
        throw CannotStart(
          message:
            "\(printable(program)): \(String(cString: strerror(errno))); name a program that "
            + "can be executed")
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
    throw CannotStart(message: "\(printable(program)): there is no such program on the PATH")
  }

  /// Runs it with the event as its standard input. Whatever it prints there goes to our own standard
  /// output and error.
  /// - Parameter variables: beside our own environment.
  func run(
    on event: ClaimedEvent, variables: [(name: String, value: String)], stop: StopRequest
  ) throws(CannotStart) -> Run {
    var pipe: (read: Int32, write: Int32) = (-1, -1)
    let isPiped = withUnsafeMutableBytes(of: &pipe) {
      Glibc.pipe($0.assumingMemoryBound(to: Int32.self).baseAddress) == 0
    }
    guard isPiped else { throw Self.cannotStart("pipe") }
    let output = FileDescriptor(owning: pipe.read)
    _ = fcntl(output.raw, F_SETFL, O_NONBLOCK)
    let process = spawn(on: event, variables: variables, error: pipe.write)
    let code = errno
    close(pipe.write)
    guard process >= 0 else {
      errno = code
      throw Self.cannotStart(printable(path))
    }
    var errorOutput = ErrorOutput()
    let (cause, status) = wait(for: process, output: output.raw, &errorOutput, stop)
    let signal = status & 0x7F
    var wasStopped = cause == .stop
    if signal == SIGINT || signal == SIGTERM, cause == .ended {
      // A Ctrl-C that reached it before it had its own process group, perhaps: whoever reads our
      // signals knows in a moment.
      usleep(50_000)
      wasStopped = stop.isMade
    }
    return Run(
      // Handled is handled, though it was asked to end just then.
      ending: cause == .timeLimit && status != 0
        ? .timeLimit : signal == 0 ? .exit(status >> 8 & 0xFF) : .signal(signal),
      errorOutput: errorOutput.text, wasStopped: wasStopped)
  }

  private static func cannotStart(_ what: String) -> CannotStart {
    let hint = errno == ENOEXEC ? "; does it begin with a line such as #!/bin/sh?" : ""
    return CannotStart(message: "\(what): \(String(cString: strerror(errno)))\(hint)")
  }

  private func spawn(
    on event: ClaimedEvent, variables: [(name: String, value: String)], error: Int32
  ) -> Int32 {
    let own = variables.map { "\($0.name)=\($0.value)" }
    var words = cStrings(arguments)
    var all = cStrings(environment + own)
    defer { for word in words + all { free(word) } }
    return clinux_spawn(path, &words, &all, event.descriptor, error)
  }

  // MARK: Waiting

  private enum Cause {
    case ended, timeLimit, stop
  }

  /// - Returns: why it ended, and its status as waitpid(2) has it.
  private func wait(
    for process: Int32, output: Int32, _ errorOutput: inout ErrorOutput, _ stop: StopRequest
  ) -> (Cause, status: Int32) {
    // Where there is none, poll only waits, and waitpid says when it is over.
    let end = FileDescriptor(owning: clinux_process_descriptor(process))
    let deadline = ContinuousClock.now + timeLimit
    var cause = Cause.ended
    var killAt: ContinuousClock.Instant?
    var status: Int32 = 0
    var isOutputOpen = true
    while true {
      var waiting = [
        pollfd(fd: end.raw, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isOutputOpen ? output : -1, events: Int16(POLLIN), revents: 0),
      ]
      poll(&waiting, 2, 100)
      isOutputOpen = errorOutput.read(from: output)
      let ended = waitpid(process, &status, WNOHANG)
      if ended == process { break }
      if ended < 0 && errno == ECHILD {
        // Somebody else has waited for it: how it ended is not known, and its number another's.
        status = 255 << 8
        break
      }
      let now = ContinuousClock.now
      if let limit = killAt {
        if now >= limit { signal(process, SIGKILL) }
      } else if now >= deadline || stop.endsWork {
        cause = now >= deadline ? .timeLimit : .stop
        signal(process, SIGTERM)
        killAt = now + .seconds(Self.secondsToEnd)
      }
    }
    // What it said last; a grandchild may keep the pipe open, and is not waited for.
    _ = errorOutput.read(from: output)
    return (cause, status)
  }
}

/// To the process and its group, which it may have left.
private func signal(_ process: Int32, _ number: Int32) {
  kill(-process, number)
  kill(process, number)
}

/// A handler's standard error: passed on to our own as it comes, and its end kept.
private struct ErrorOutput {
  private var kept: [UInt8] = []

  var text: String { String(decoding: kept, as: UTF8.self) }

  /// Reads what there is, but not for ever: a handler may write faster than it is read.
  /// - Returns: whether more may come.
  mutating func read(from descriptor: Int32) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    for _ in 0..<16 {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
      // Where nobody reads our own, it is not waited for.
      var ours = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
      if poll(&ours, 1, 0) > 0 { _ = write(STDERR_FILENO, buffer, count) }
      kept = Array((kept + buffer.prefix(count)).suffix(AttemptRecord.maximumOutputBytes))
    }
    return true
  }
}

/// Each to be freed; the last one is nil.
private func cStrings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
  texts.map { strdup($0) } + [nil]
}
