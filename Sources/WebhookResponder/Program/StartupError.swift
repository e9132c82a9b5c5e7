internal import Glibc

/// Why the responder cannot start: a sentence for the operator, and the exit code (sysexits.h).
struct StartupError: Error {
  let message: String
  let exitCode: Int32

  static func usage(_ message: String) -> StartupError {
    StartupError(message: "\(message)\nTry: delve-webhook-fcgi --help", exitCode: EX_USAGE)
  }
}

/// The result of a system call that must not fail while the program starts.
func started(_ call: String, _ result: Int32) throws(StartupError) -> Int32 {
  guard result >= 0 else {
    throw StartupError(
      message: "\(call): \(String(cString: strerror(errno)))", exitCode: EX_OSERR)
  }
  return result
}
