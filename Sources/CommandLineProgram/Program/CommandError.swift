internal import ArgumentParser
package import EventSpool
internal import Glibc
package import LinuxSystem
internal import Synchronization
internal import WebhookConfiguration
internal import WebhookCore

/// Ends a command: a sentence on standard error that names the remedy, and an exit code
/// (sysexits.h).
package struct CommandError: Error, CustomStringConvertible {
  package let description: String
  package let exitCode: Int32

  package init(_ description: String, exitCode: Int32) {
    self.description = description
    self.exitCode = exitCode
  }

  package static func usage(_ message: String) -> CommandError {
    CommandError(message, exitCode: EX_USAGE)
  }

  package static func noInput(_ message: String) -> CommandError {
    CommandError(message, exitCode: EX_NOINPUT)
  }

  package static func unavailable(_ message: String) -> CommandError {
    CommandError(message, exitCode: EX_UNAVAILABLE)
  }

  package static func system(_ message: String) -> CommandError {
    CommandError(message, exitCode: EX_OSERR)
  }

  package static func configuration(_ message: String) -> CommandError {
    CommandError(message, exitCode: EX_CONFIG)
  }

  /// A file or folder that was to be changed could not be.
  package init(cannotWrite error: SystemError) {
    self.init(
      "\(printable(error.path)): \(error.call.rawValue): \(error.reason)", exitCode: EX_CANTCREAT)
  }

  /// Nothing is wrong with the program or its surroundings: the answer is no.
  package static func negative(_ message: String) -> CommandError {
    CommandError(message, exitCode: EXIT_FAILURE)
  }
}

/// The exit code of a command that has done what it was to do, and has found something new. Zero says
/// that there was nothing; every other one is `CommandError`'s.
package let newsExitCode: Int32 = 2

/// What a command does with the spool. It decides the exit code if the spool fails.
package enum SpoolWork {
  case looking, moving
}

extension CommandError {
  package init(_ error: SpoolError, while work: SpoolWork) {
    let error = error.forUser
    let exitCode =
      switch (work, error.cause) {
      case (.looking, _), (.moving, .call(_, ENOENT)): EX_NOINPUT
      case (.moving, .foreignOwner): EX_NOPERM
      case (.moving, _): EX_IOERR
      }
    self.init(error.explanation, exitCode: exitCode)
  }
}

/// Runs a command's body; an error is printed and becomes the exit code.
package func reportingErrors(
  while work: SpoolWork = .looking, _ body: () async throws -> Void
) async throws {
  do { try await body() } catch { throw reported(error, work) }
  try requireOutput()
}

/// The same for a command that waits for nothing.
package func reportingErrors(
  while work: SpoolWork = .looking, _ body: () throws -> Void
) throws {
  do { try body() } catch { throw reported(error, work) }
  try requireOutput()
}

private func requireOutput() throws {
  if hasLostOutput.load(ordering: .relaxed) { throw ExitCode(EX_IOERR) }
}

private func reported(_ error: any Error, _ work: SpoolWork) -> any Error {
  let commandError: CommandError
  switch error {
  case let error as CommandError: commandError = error
  case let error as SpoolError: commandError = CommandError(error, while: work)
  case let error as ConfigurationError: commandError = .configuration(error.description)
  case let error as SystemError:
    commandError = .system("\(error.call.rawValue): \(error.reason)")
  default: return error
  }
  printError("\(programName): \(commandError.description)")
  return ExitCode(commandError.exitCode)
}
