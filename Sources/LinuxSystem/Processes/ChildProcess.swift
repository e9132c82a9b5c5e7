internal import CLinux
internal import Glibc

/// A process that was started, and is to be waited for. It leads a session and a process group
/// of its own, and has no terminal.
package struct ChildProcess: ~Copyable {
  private let id: pid_t
  private let pidDescriptor: FileDescriptor

  /// Starts the program at `path`. No signal is blocked or ignored in it, no descriptor of ours is
  /// inherited, and its limit on open files is the one that we started with.
  /// Texts are the system's: bytes without a NUL.
  /// - Parameters:
  ///   - arguments: the program's name first.
  ///   - environment: `NAME=VALUE`.
  ///   - input: its standard input, and with it the lock on that file.
  ///   - output: its standard output; by default ours.
  ///   - error: its standard error.
  package init(
    path: [UInt8], arguments: [[UInt8]], environment: [[UInt8]], input: Int32,
    output: Int32 = STDOUT_FILENO, error: Int32
  ) throws(SystemError) {
    var words = allocatedCStrings(arguments)
    var variables = allocatedCStrings(environment)
    defer { for text in words + variables { free(text) } }
    id = try checked(.spawn, String(decoding: path, as: UTF8.self)) {
      withCString(path) {
        clinux_spawn($0, &words, &variables, input, output, error, startingDescriptorLimit)
      }
    }
    // If there is none, -1: poll(2) then only waits, and `status` says when it is over.
    pidDescriptor = FileDescriptor(owning: clinux_process_descriptor(id))
  }

  /// Can be read once the process has ended (poll(2)); -1 if that cannot be told.
  package var descriptor: Int32 { pidDescriptor.raw }

  /// How a process ended (waitpid(2)).
  package enum Ending: Equatable, Sendable {
    case exit(Int32)
    case signal(Int32)
  }

  /// How it ended; nil if it still runs. Not to be called again once it has ended.
  package func ending() -> Ending? {
    var status: Int32 = 0
    let ended = waitpid(id, &status, WNOHANG)
    // Somebody else has waited for it: how it ended is not known, and its number is another's.
    if ended < 0 && errno == ECHILD { return .exit(255) }
    guard ended == id else { return nil }
    let signal = status & 0x7F
    return signal == 0 ? .exit(status >> 8 & 0xFF) : .signal(signal)
  }

  /// Asks it and its group to end (SIGTERM). If they are stopped, they are continued, or the signal
  /// would not reach them.
  package func askToEnd() {
    send(signal: SIGTERM)
    send(signal: SIGCONT)
  }

  /// Ends it and its group (SIGKILL).
  package func end() { send(signal: SIGKILL) }

  /// To the process, and to its group, which it may have left.
  private func send(signal: Int32) {
    kill(-id, signal)
    kill(id, signal)
  }
}
