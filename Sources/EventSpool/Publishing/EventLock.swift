internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// One worker's descriptor of the instance's `lock` file. Its locks belong to the open file
/// description: never share it between threads, and never duplicate it.
struct EventLock: ~Copyable {
  /// Who can read it could lock it, and so hold up every delivery.
  private static let mode: mode_t = 0o600
  /// Between two tries, in microseconds. fcntl(2) that waits would wait without an end.
  private static let shortestPause: useconds_t = 500
  private static let longestPause: useconds_t = 20_000

  private let file: FileDescriptor
  private let path: String
  private let calls: SystemCalls

  init(in instance: Directory) throws(SpoolError) {
    file = try instance.open(SpoolLayout.lock, O_RDWR | O_CREAT, mode: Self.mode, on: .folder)
    path = instance.child(SpoolLayout.lock)
    calls = instance.calls
    // An earlier version let a group read it. Only the owner may change that; others cannot lock
    // it.
    var status = stat()
    guard fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    if status.st_mode & 0o077 != 0 { fchmod(file.raw, Self.mode) }
  }

  /// Waits until no other worker, of whatever process, holds the lock of the same event. It is let
  /// go of by `release`, or with the value, or by the kernel if this process dies.
  /// - Throws: `locked` if somebody still holds it at the deadline.
  func take(
    for id: EventID, until deadline: ContinuousClock.Instant
  ) throws(SpoolError) -> Held {
    let offset = Self.offset(of: id)
    var pause = Self.shortestPause
    while true {
      do throws(SpoolError) {
        try calling(.fcntl, path, on: .folder) { calls.lockByte(file.raw, offset) }
        return Held(descriptor: file.raw, offset: offset, path: path, calls: calls)
      } catch  where error.errno == EAGAIN || error.errno == EACCES {
        guard ContinuousClock.now < deadline else { throw SpoolError(.locked, path) }
        usleep(pause)
        pause = min(2 * pause, Self.longestPause)
      }
    }
  }

  /// The lock of one event. The `EventLock` must outlive it.
  struct Held: ~Copyable {
    fileprivate let descriptor: Int32
    fileprivate let offset: Int64
    fileprivate let path: String
    fileprivate let calls: SystemCalls
    private var isHeld = true

    fileprivate init(descriptor: Int32, offset: Int64, path: String, calls: SystemCalls) {
      (self.descriptor, self.offset, self.path, self.calls) = (descriptor, offset, path, calls)
    }

    deinit {
      if isHeld { _ = calls.unlockByte(descriptor, offset) }
    }

    mutating func release() throws(SpoolError) {
      isHeld = false
      try calling(.fcntl, path, on: .folder) { calls.unlockByte(descriptor, offset) }
    }
  }

  /// Two events at one offset, one chance in 2⁶², only wait for each other.
  private static func offset(of id: EventID) -> Int64 {
    Int64((UInt64(Substring(id.hex.utf8.prefix(16)), radix: 16) ?? 0) >> 2)
  }
}
