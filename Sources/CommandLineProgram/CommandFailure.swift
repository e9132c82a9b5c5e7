internal import ArgumentParser
package import EventSpool
internal import Glibc
internal import WebhookCore

/// Ends a command: a sentence on standard error that names the remedy, and an exit code
/// (sysexits.h).
package struct CommandFailure: Error, CustomStringConvertible {
  package let description: String
  package let exitCode: Int32

  package init(description: String, exitCode: Int32) {
    self.description = description
    self.exitCode = exitCode
  }

  package static func noInput(_ message: String) -> CommandFailure {
    CommandFailure(description: message, exitCode: EX_NOINPUT)
  }

  package static func unavailable(_ message: String) -> CommandFailure {
    CommandFailure(description: message, exitCode: EX_UNAVAILABLE)
  }

  /// Of a command that moves events.
  package static func spool(_ error: SystemError) -> CommandFailure {
    switch error.errno {
    case EPERM where error.call == "claim":
      CommandFailure(
        description:
          "\(printable(error.path)) belongs to another user: run this as its owner, as in "
          + "runuser -u delve-webhook -- \(programName) …", exitCode: EX_NOPERM)
    case ENOENT: noInput(error.message)
    default: CommandFailure(description: error.message, exitCode: EX_IOERR)
    }
  }

  package static func configuration(_ message: String) -> CommandFailure {
    CommandFailure(description: message, exitCode: EX_CONFIG)
  }
}

/// Runs a command's body; a failure is printed and becomes the exit code.
package func reportingFailures(_ body: () async throws -> Void) async throws {
  do {
    try await body()
  } catch let failure as CommandFailure {
    printError("\(programName): \(failure.description)")
    throw ExitCode(failure.exitCode)
  }
}

/// The same for a command that waits for nothing.
package func reportingFailures(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let failure as CommandFailure {
    printError("\(programName): \(failure.description)")
    throw ExitCode(failure.exitCode)
  }
}

/// A sentence for the operator. If nobody can read it, the exit code says what it can.
package func printError(_ line: String) {
  _ = writeAll(Array("\(line)\n".utf8), to: STDERR_FILENO)
}

/// Writes results to standard output, without a buffer that a crash could lose.
package func printResult(_ bytes: [UInt8]) {
  // Whoever read may have gone, as `head` does: the exit code stays what it is. Anything else, a
  // full disk above all, must not pass for success.
  guard !writeAll(bytes, to: STDOUT_FILENO), errno != EPIPE else { return }
  printError("\(programName): standard output: \(String(cString: strerror(errno)))")
  exit(EX_IOERR)
}

/// Whether whoever reads standard output has gone.
package func isOutputClosed() -> Bool {
  var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
  return poll(&output, 1, 0) > 0 && output.revents & Int16(POLLERR) != 0
}

package func printResult(_ line: String) {
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
