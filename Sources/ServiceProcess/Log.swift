internal import Glibc
package import WebhookCore

/// The operator's log: one line per event of interest on standard error, `key=value`, written by
/// one call each. Values come from our own types; nothing of a sender may be handed in.
package struct Log: Sendable {
  /// The priorities of syslog(3).
  package enum Level: Int, Sendable {
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6

    /// Without reflection, which would cost as much as the rest of a line.
    fileprivate var name: String {
      switch self {
      case .error: "error"
      case .warning: "warning"
      case .notice: "notice"
      case .info: "info"
      }
    }
  }

  /// Under systemd the journal has its own clock and takes the priority as `<N>` (sd-daemon(3)).
  private let isJournal: Bool

  package init(environment: Environment) {
    // It names the stream by device and inode: what was redirected elsewhere since is not it.
    var status = stat()
    isJournal =
      fstat(STDERR_FILENO, &status) == 0
      && environment["JOURNAL_STREAM"] == "\(status.st_dev):\(status.st_ino)"
  }

  package func write(_ level: Level, _ text: String) {
    let prefix = isJournal ? "<\(level.rawValue)>" : "\(Timestamp.now().rfc3339) \(level.name) "
    var line = Array(prefix.utf8)
    line.append(contentsOf: text.utf8)
    line.append(UInt8(ascii: "\n"))
    // If nobody can read the log, there is nobody to tell.
    _ = Glibc.write(STDERR_FILENO, line, line.count)
  }

  /// A text as a value: quoted where it is not one plain word.
  package static func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    guard !isPlain || text.isEmpty else { return text }
    return "\"\(printable(text))\""
  }
}

extension Timestamp {
  /// The wall clock.
  package static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), milliseconds: time.tv_nsec / 1_000_000)
  }
}
