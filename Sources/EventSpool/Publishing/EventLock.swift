internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// One worker's descriptor of the instance's `lock` file. Its locks belong to the open file
/// description: never share it between threads, and never duplicate it.
struct EventLock: ~Copyable {
  private let file: FileDescriptor
  private let path: String
  private let calls: SystemCalls

  init(in instance: Directory) throws(SpoolError) {
    file = try instance.open(SpoolLayout.lock, O_RDWR | O_CREAT, on: .folder)
    path = instance.child(SpoolLayout.lock)
    calls = instance.calls
  }

  /// Waits until no other worker, of whatever process, holds the lock of the same event. It is let
  /// go of by `release`, or with the value, or by the kernel if this process dies.
  func take(for id: EventID) throws(SpoolError) -> Held {
    let offset = Self.offset(of: id)
    try calling(.fcntl, path, on: .folder) { calls.lockByte(file.raw, offset) }
    return Held(descriptor: file.raw, offset: offset, path: path, calls: calls)
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
