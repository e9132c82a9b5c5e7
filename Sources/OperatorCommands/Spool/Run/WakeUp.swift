internal import CLinux
internal import EventSpool
internal import Glibc
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

  func wait(or signals: borrowing FileDescriptor, _ watch: ArrivalWatch, milliseconds: Int32) {
    var waiting = [readEnd.raw, signals.raw, watch.descriptor].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    poll(&waiting, nfds_t(waiting.count), milliseconds)
    var bytes = [UInt8](repeating: 0, count: 512)
    while read(readEnd.raw, &bytes, bytes.count) > 0 {}
    watch.clear()
  }
}

/// Notices that something has come into `new` (inotify(7)). Where there are no further watches to be
/// had, arrivals are noticed at the next look.
final class ArrivalWatch {
  private let inotify: FileDescriptor
  private var watched: Set<String> = []

  init() {
    inotify = FileDescriptor(
      owning: inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)))
  }

  var descriptor: Int32 { inotify.raw }

  func look(after consumers: [EventConsumer]) {
    for consumer in consumers where watched.insert(consumer.path(of: .new)).inserted {
      inotify_add_watch(
        inotify.raw, consumer.path(of: .new), UInt32(IN_CREATE) | UInt32(IN_MOVED_TO))
    }
  }

  /// What has come is found in the folders themselves.
  func clear() {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    while read(inotify.raw, &bytes, bytes.count) > 0 {}
  }
}
