internal import Glibc
package import LinuxSystem
internal import Synchronization

/// Tells the service manager how the program is, as sd_notify(3) describes it: one datagram to the
/// unix socket that `NOTIFY_SOCKET` names. If nobody asks for it, nothing is sent. Any thread may.
package final class ServiceManager: Sendable {
  package enum Notice: Sendable {
    case ready(status: String)
    /// A sentence for `systemctl status`.
    case status(String)
    case stopping

    fileprivate var text: String {
      switch self {
      case .ready(let status): "READY=1\n\(Self.line(status))"
      case .status(let status): Self.line(status)
      case .stopping: "STOPPING=1"
      }
    }

    /// Each line of a message is a variable of its own.
    private static func line(_ status: String) -> String {
      "STATUS=" + status.split(separator: "\n").joined(separator: "; ")
    }
  }

  private let address: SocketAddress?
  /// How often a sign of life is sent; nil if nobody waits for one.
  private let timeBetweenSignsOfLife: Duration?
  private let lastSignOfLife = Mutex<ContinuousClock.Instant?>(nil)

  package init(environment: Environment) {
    guard let name = environment["NOTIFY_SOCKET"] else {
      (address, timeBetweenSignsOfLife) = (nil, nil)
      return
    }
    address =
      name.hasPrefix("@")
      ? SocketAddress(abstractName: name.utf8.dropFirst()) : SocketAddress(unixPath: name)
    let isForUs = environment["WATCHDOG_PID"].map { pid_t($0) == getpid() } ?? true
    let limit = environment["WATCHDOG_USEC"].flatMap { Int64($0) }
    // Twice as often as needed (sd_watchdog_enabled(3)), and once more.
    timeBetweenSignsOfLife = isForUs ? limit.map { .microseconds($0 / 3) } : nil
  }

  /// Whether anybody asks to be told.
  package var isThere: Bool { address != nil }

  /// Best effort: a manager that cannot be told notices by itself what is missing.
  package func notify(_ notice: Notice) { send(notice.text) }

  /// How long the caller may wait before it calls `keepAlive`, in milliseconds; -1: forever.
  package var millisecondsBetweenSignsOfLife: Int32 {
    timeBetweenSignsOfLife.map { Int32(clamping: max(1, $0.milliseconds)) } ?? -1
  }

  /// Sends a sign of life, if one is due (`WatchdogSec=`).
  package func keepAlive(if isAlive: @autoclosure () -> Bool) {
    guard let timeBetweenSignsOfLife else { return }
    let now = ContinuousClock.now
    let isDue = lastSignOfLife.withLock { $0.map { now - $0 >= timeBetweenSignsOfLife } ?? true }
    guard isDue, isAlive() else { return }
    lastSignOfLife.withLock { $0 = now }
    send("WATCHDOG=1")
  }

  private func send(_ text: String) {
    guard let address else { return }
    let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let message = Array(text.utf8)
    _ = address.withPointer {
      sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT), $0, $1)
    }
  }
}
