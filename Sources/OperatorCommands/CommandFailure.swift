internal import ArgumentParser
internal import EventSpool
internal import Glibc
internal import WebhookCore

/// Ends a command: a sentence on standard error that names the remedy, and an exit code
/// (sysexits.h).
struct CommandFailure: Error, CustomStringConvertible {
  let description: String
  let exitCode: Int32

  static func noInput(_ message: String) -> CommandFailure {
    CommandFailure(description: message, exitCode: EX_NOINPUT)
  }

  static func unavailable(_ message: String) -> CommandFailure {
    CommandFailure(description: message, exitCode: EX_UNAVAILABLE)
  }

  /// Of a command that moves events.
  static func spool(_ error: SystemError) -> CommandFailure {
    switch error.errno {
    case EPERM where error.call == "claim":
      CommandFailure(
        description:
          "\(printable(error.path)) belongs to another user: run this as its owner, as in "
          + "runuser -u delve-webhook -- delve-webhook …", exitCode: EX_NOPERM)
    case ENOENT: noInput(error.message)
    default: CommandFailure(description: error.message, exitCode: EX_IOERR)
    }
  }

  static func configuration(_ message: String) -> CommandFailure {
    CommandFailure(description: message, exitCode: EX_CONFIG)
  }
}

/// Runs a command's body; a failure is printed and becomes the exit code.
func reportingFailures(_ body: () async throws -> Void) async throws {
  do {
    try await body()
  } catch let failure as CommandFailure {
    printError("delve-webhook: \(failure.description)")
    throw ExitCode(failure.exitCode)
  }
}

/// The same for a command that waits for nothing.
func reportingFailures(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let failure as CommandFailure {
    printError("delve-webhook: \(failure.description)")
    throw ExitCode(failure.exitCode)
  }
}

/// A sentence for the operator. If nobody can read it, the exit code says what it can.
func printError(_ line: String) {
  _ = writeAll(Array("\(line)\n".utf8), to: STDERR_FILENO)
}

/// Writes results to standard output, without a buffer that a crash could lose.
func printResult(_ bytes: [UInt8]) {
  // Whoever read may have gone, as `head` does: the exit code stays what it is. Anything else, a
  // full disk above all, must not pass for success.
  guard !writeAll(bytes, to: STDOUT_FILENO), errno != EPIPE else { return }
  printError("delve-webhook: standard output: \(String(cString: strerror(errno)))")
  exit(EX_IOERR)
}

/// Whether whoever reads standard output has gone.
func isOutputClosed() -> Bool {
  var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
  return poll(&output, 1, 0) > 0 && output.revents & Int16(POLLERR) != 0
}

func printResult(_ line: String) {
  printResult(Array("\(line)\n".utf8))
}

/// - Returns: false if it could not be written; `errno` says why.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  var rest = bytes[...]
  while !rest.isEmpty {
    let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    if written < 0 && errno == EINTR { continue }
    guard written > 0 else { return false }
    rest = rest.dropFirst(written)
  }
  return true
}
