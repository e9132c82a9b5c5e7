internal import Glibc
internal import LinuxSystem
internal import Synchronization
package import StrictJSON

/// A sentence for the operator. If nobody can read it, the exit code says what it can.
package func printError(_ line: String) {
  try? writeAll(Array("\(line)\n".utf8), to: STDERR_FILENO)
}

/// Says to a person at a terminal what a command waits for.
package func sayWaiting(_ what: String) {
  if isErrorTerminal { printError("\(programName): waiting \(what)") }
}

/// Writes results to standard output, without a buffer that a crash could lose. If their reader has
/// gone, as `head` does, this ends the program: nobody wants the rest.
package func printResult(_ bytes: [UInt8]) {
  if !write(bytes) { endUnread() }
}

package func printResult(_ line: String) {
  printResult(Array("\(line)\n".utf8))
}

/// Says what has been changed already. If that cannot be written, the program goes on, for a change
/// must not end in the middle, and says so in its exit code.
package func printChange(_ line: String) {
  do throws(SystemError) {
    try writeAll(Array("\(line)\n".utf8), to: STDOUT_FILENO)
  } catch  where error.errno == EPIPE {
  } catch {
    let isFirst = hasLostOutput.exchange(true, ordering: .relaxed) == false
    if isFirst { printError("\(programName): standard output: \(error.reason)") }
  }
}

/// Whether something that was changed could not be said.
let hasLostOutput = Atomic(false)

/// Writes an object as one line of JSON, as `jsonLine` has it.
package func printJSON(_ object: JSONObject) { printResult(jsonLine(object)) }

/// An object as one line of JSON. At a terminal it is ASCII: what the sender's text holds can steer
/// no terminal. Elsewhere the bytes are as they are.
package func jsonLine(_ object: JSONObject) -> [UInt8] {
  (isOutputTerminal ? asciiJSON(object.text) : object.text) + [UInt8(ascii: "\n")]
}

/// Results that are many: written to standard output some at a time.
package struct OutputBuffer {
  private static let bytesPerWrite = 65_536

  private var pending: [UInt8] = []

  package init() {}

  package mutating func append(_ bytes: [UInt8]) {
    pending += bytes
    if pending.count >= Self.bytesPerWrite { flush() }
  }

  /// To be called at the end.
  package mutating func flush() {
    printResult(pending)
    pending.removeAll(keepingCapacity: true)
  }
}

/// Ends the program if the reader of standard output has gone.
package func endIfUnread() {
  if isReaderGone(STDOUT_FILENO) { endUnread() }
}

/// The exit code if the reader of standard output goes: what is known by then holds.
package func setExitCodeIfUnread(_ code: Int32) { exitCodeIfUnread.store(code, ordering: .relaxed) }

/// The exit code if standard output cannot be written, in place of `EX_IOERR`.
package func setExitCodeIfUnwritten(_ code: Int32) {
  exitCodeIfUnwritten.store(code, ordering: .relaxed)
}

private let exitCodeIfUnread = Atomic(EXIT_SUCCESS)
private let exitCodeIfUnwritten = Atomic(EX_IOERR)

/// At once: other threads may be at work, which `exit` would take their libraries from.
private func endUnread() -> Never { _exit(exitCodeIfUnread.load(ordering: .relaxed)) }

/// - Returns: false if the reader has gone.
private func write(_ bytes: [UInt8]) -> Bool {
  do throws(SystemError) {
    try writeAll(bytes, to: STDOUT_FILENO)
    return true
  } catch  where error.errno == EPIPE {
    return false
  } catch {
    // A full disk above all must not pass for success.
    printError("\(programName): standard output: \(error.reason)")
    _exit(exitCodeIfUnwritten.load(ordering: .relaxed))
  }
}
