internal import Glibc
package import LinuxSystem
internal import Synchronization
package import WebhookCore

/// The operator's log, on standard error: one line per event of interest. Any thread may write, and
/// none waits: a thread of the log's own does.
package struct Log: Sendable {
  /// Whether standard error is the journal's.
  private static let isJournal = Atomic(false)

  package init(environment: Environment) {
    // It names the stream by device and inode: if standard error was redirected since, it is
    // another.
    var status = stat()
    let isJournal =
      fstat(STDERR_FILENO, &status) == 0
      && environment["JOURNAL_STREAM"] == "\(status.st_dev):\(status.st_ino)"
    Self.isJournal.store(isJournal, ordering: .relaxed)
  }

  package func write(_ line: LogLine) {
    LogWriter.shared.append(Self.rendered(line))
  }

  /// - Parameter fields: one whose value is nil is left out.
  package func write(
    _ level: LogLine.Level, _ message: String,
    _ fields: KeyValuePairs<String, LogLine.Value?> = [:]
  ) {
    write(LogLine(level, message, fields))
  }

  /// How many lines nobody has read in time since the start, and when that was the last time.
  package static var losses: (lines: Int, last: Timestamp?) { LogWriter.shared.losses }

  /// Waits until all lines are written, for a second at most. At `exit` it is called by itself.
  package static func flush() { LogWriter.shared.flush() }

  static func rendered(_ line: LogLine) -> [UInt8] {
    line.bytes(at: isJournal.load(ordering: .relaxed) ? nil : .now())
  }
}
