internal import Glibc
package import LinuxSystem
internal import WebhookCore

/// The operator's log, on standard error: one line per event of interest, written by one call each.
package struct Log: Sendable {
  private let isJournal: Bool

  package init(environment: Environment) {
    // It names the stream by device and inode: if standard error was redirected since, it is
    // another.
    var status = stat()
    isJournal =
      fstat(STDERR_FILENO, &status) == 0
      && environment["JOURNAL_STREAM"] == "\(status.st_dev):\(status.st_ino)"
  }

  package func write(_ line: LogLine) {
    let bytes = line.bytes(at: isJournal ? nil : .now())
    // If nobody can read the log, there is nobody to tell.
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }

  /// - Parameter fields: one whose value is nil is left out.
  package func write(
    _ level: LogLine.Level, _ message: String,
    _ fields: KeyValuePairs<String, LogLine.Value?> = [:]
  ) {
    write(LogLine(level, message, fields))
  }
}
