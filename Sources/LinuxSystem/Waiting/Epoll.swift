internal import CLinux

/// Tells which of many descriptors can be read (epoll(7)). Each is known by a number of the
/// caller's. Any thread may add and remove; one waits.
package struct Epoll: ~Copyable, Sendable {
  private static let mostAtOnce = 64

  private let descriptor: FileDescriptor

  package init() throws(SystemError) {
    descriptor = FileDescriptor(owning: try checked(.epollCreate) { clinux_epoll_create() })
  }

  /// Watches a descriptor, also for its peer's end.
  /// - Parameter isOneShot: it is reported once, and then again only after `rearm`.
  package func add(_ raw: Int32, as number: UInt64, isOneShot: Bool) throws(SystemError) {
    try checked(.epollControl) {
      clinux_epoll_add(descriptor.raw, raw, number, isOneShot ? 1 : 0)
    }
  }

  /// - Parameter isAtOnce: it is reported even if there is nothing to read.
  package func rearm(_ raw: Int32, as number: UInt64, isAtOnce: Bool = false) throws(SystemError) {
    try checked(.epollControl) {
      clinux_epoll_rearm(descriptor.raw, raw, number, isAtOnce ? 1 : 0)
    }
  }

  /// One that is not watched stays so.
  package func remove(_ raw: Int32) { _ = clinux_epoll_remove(descriptor.raw, raw) }

  /// Waits until something can be read, or the time is over, and calls `body` with the number of
  /// each.
  /// - Parameter milliseconds: -1 waits without an end.
  package func wait(milliseconds: Int32, _ body: (UInt64) -> Void) {
    withUnsafeTemporaryAllocation(of: clinux_readiness.self, capacity: Self.mostAtOnce) { ready in
      let count = clinux_epoll_wait(
        descriptor.raw, ready.baseAddress, Int32(Self.mostAtOnce), milliseconds)
      for index in 0..<max(0, Int(count)) { body(ready[index].token) }
    }
  }
}
