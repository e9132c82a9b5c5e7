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
