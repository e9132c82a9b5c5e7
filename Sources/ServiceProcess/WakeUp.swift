internal import Glibc

/// Wakes a thread that waits in poll(2): another has done what it waits for.
package final class WakeUp: Sendable {
  /// Can be read once it was signalled, until it is cleared.
  package let descriptor: Int32
  private let writeEnd: Int32

  package init() {
    var ends: (read: Int32, write: Int32) = (-1, -1)
    _ = withUnsafeMutableBytes(of: &ends) {
      Glibc.pipe($0.assumingMemoryBound(to: Int32.self).baseAddress)
    }
    for end in [ends.read, ends.write] {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    descriptor = ends.read
    writeEnd = ends.write
  }

  deinit {
    close(descriptor)
    close(writeEnd)
  }

  /// Any thread may. If the pipe is full, a wake-up is on its way already.
  package func signal() {
    var byte: UInt8 = 0
    _ = write(writeEnd, &byte, 1)
  }

  package func clear() {
    var bytes = [UInt8](repeating: 0, count: 512)
    while read(descriptor, &bytes, bytes.count) > 0 {}
  }
}
