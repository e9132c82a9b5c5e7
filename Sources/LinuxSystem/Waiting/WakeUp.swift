internal import Glibc

/// Wakes a thread that waits in poll(2): another has done what it waits for.
package final class WakeUp: Sendable {
  private let ends: Pipe

  package init() throws(SystemError) {
    ends = try Pipe()
    makeNonBlocking(ends.readEnd.raw)
    makeNonBlocking(ends.writeEnd.raw)
  }

  /// Can be read once it was signalled, until it is cleared.
  package var descriptor: Int32 { ends.readEnd.raw }

  /// Any thread may. If the pipe is full, a wake-up is on its way already.
  package func signal() {
    var byte: UInt8 = 0
    _ = write(ends.writeEnd.raw, &byte, 1)
  }

  package func clear() {
    var bytes = [UInt8](repeating: 0, count: 512)
    while read(ends.readEnd.raw, &bytes, bytes.count) > 0 {}
  }
}

/// A pipe that no child process inherits (pipe(2)).
package struct Pipe: ~Copyable, Sendable {
  package let readEnd: FileDescriptor
  package let writeEnd: FileDescriptor

  package init() throws(SystemError) {
    var ends: (read: Int32, write: Int32) = (-1, -1)
    try checked(.pipe) {
      withUnsafeMutableBytes(of: &ends) {
        pipe($0.assumingMemoryBound(to: Int32.self).baseAddress)
      }
    }
    for end in [ends.read, ends.write] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    readEnd = FileDescriptor(owning: ends.read)
    writeEnd = FileDescriptor(owning: ends.write)
  }

  /// The end to read from; the other one is closed here, for a child process has it.
  package consuming func closingWriteEnd() -> FileDescriptor { readEnd }
}
