internal import CLinux
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// What the runner waits for: a handler's end, an arrival, a signal, or some time.
final class WakeUp: Sendable {
  private let readEnd: FileDescriptor
  private let writeEnd: FileDescriptor

  init() {
    var ends: (read: Int32, write: Int32) = (-1, -1)
    _ = withUnsafeMutableBytes(of: &ends) {
      Glibc.pipe($0.assumingMemoryBound(to: Int32.self).baseAddress)
    }
    for end in [ends.read, ends.write] {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    readEnd = FileDescriptor(owning: ends.read)
    writeEnd = FileDescriptor(owning: ends.write)
  }

  /// Any thread may. If the pipe is full, a wake-up is on its way already.
  func signal() {
    var byte: UInt8 = 0
    _ = write(writeEnd.raw, &byte, 1)
  }

  func wait(or signals: StopSignals, _ queue: WatchedQueue, milliseconds: Int32) {
    var waiting = [readEnd.raw, signals.descriptor, queue.descriptor].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    poll(&waiting, nfds_t(waiting.count), milliseconds)
    var bytes = [UInt8](repeating: 0, count: 512)
    while read(readEnd.raw, &bytes, bytes.count) > 0 {}
    queue.clear()
  }
}
