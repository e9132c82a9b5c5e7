internal import WebhookCore

internal import Glibc

/// One worker's descriptor of the instance's `lock` file. Its locks belong to the open file
/// description: never share it between threads, and never duplicate it.
struct EventLock: ~Copyable {
  private let file: FileDescriptor
  private let path: String
  private let calls: SystemCalls

  init(in instance: Directory) throws(SystemError) {
    file = try instance.open(SpoolLayout.lock, O_RDWR | O_CREAT)
    path = instance.child(SpoolLayout.lock)
    calls = instance.calls
  }

  /// Runs `body` while no other worker, of whatever process, is in here for the same event. If this
  /// process dies, the kernel lets go.
  func whileHeld<Result>(
    for id: EventID, _ body: () throws(SpoolFailure) -> Result
  ) throws(SpoolFailure) -> Result {
    let offset = Self.offset(of: id)
    try translatingErrors { () throws(SystemError) in
      _ = try checked("fcntl", path) { calls.lockByte(file.raw, offset) }
    }
    let result: Result
    do throws(SpoolFailure) {
      result = try body()
    } catch {
      _ = calls.unlockByte(file.raw, offset)
      throw error
    }
    try translatingErrors { () throws(SystemError) in
      _ = try checked("fcntl", path) { calls.unlockByte(file.raw, offset) }
    }
    return result
  }

  /// Two events at one offset, one chance in 2⁶², only wait for each other.
  private static func offset(of id: EventID) -> Int64 {
    Int64((UInt64(Substring(id.hex.utf8.prefix(16)), radix: 16) ?? 0) >> 2)
  }
}
