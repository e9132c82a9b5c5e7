internal import Glibc
internal import LinuxSystem

/// A sentence for the operator. If nobody can read it, the exit code says what it can.
package func printError(_ line: String) {
  try? writeAll(Array("\(line)\n".utf8), to: STDERR_FILENO)
}

/// Writes results to standard output, without a buffer that a crash could lose.
package func printResult(_ bytes: [UInt8]) {
  do throws(SystemError) {
    try writeAll(bytes, to: STDOUT_FILENO)
  } catch  where error.errno == EPIPE {
    // The reader may have gone, as `head` does: the exit code stays what it is.
  } catch {
    // A full disk above all must not pass for success.
    printError("\(programName): standard output: \(error.reason)")
    exit(EX_IOERR)
  }
}

package func printResult(_ line: String) {
  printResult(Array("\(line)\n".utf8))
}

/// Whether the reader of standard output has gone.
package func isOutputClosed() -> Bool { isReaderGone(STDOUT_FILENO) }

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
