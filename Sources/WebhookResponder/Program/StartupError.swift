internal import Glibc
internal import LinuxSystem

/// Why the responder cannot start: a sentence for the operator, and the exit code (sysexits.h).
struct StartupError: Error {
  let message: String
  let exitCode: Int32

  static func usage(_ message: String) -> StartupError {
    StartupError(message: "\(message)\nTry: delve-webhook-fcgi --help", exitCode: EX_USAGE)
  }

  static func system(_ message: String) -> StartupError {
    StartupError(message: message, exitCode: EX_OSERR)
  }

  /// The socket cannot be made.
  static func socket(_ message: String) -> StartupError {
    StartupError(message: message, exitCode: EX_CANTCREAT)
  }

  static func configuration(_ message: String) -> StartupError {
    StartupError(message: message, exitCode: EX_CONFIG)
  }
}

extension StartupError {
  init(_ error: SystemError) {
    let remedy =
      error.call == .createThread ? "; raise the limit on tasks (TasksMax, ulimit -u)" : ""
    self = .system("\(error.call.rawValue): \(error.reason)\(remedy)")
  }
}
