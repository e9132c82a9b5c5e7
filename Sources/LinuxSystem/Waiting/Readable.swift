internal import Glibc

/// Waits until one of the descriptors can be read or has ended, or the time is over (poll(2)).
/// - Parameters:
///   - descriptors: -1 stands for none.
///   - milliseconds: -1 waits without an end.
package func waitUntilReadable(_ descriptors: [Int32], milliseconds: Int32) {
  var waiting = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  poll(&waiting, nfds_t(waiting.count), milliseconds)
}

/// Whether the descriptor can be read, or has ended, within the time.
package func isReadable(_ descriptor: Int32, withinMilliseconds milliseconds: Int32) -> Bool {
  var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  return poll(&waiting, 1, milliseconds) > 0
}

/// Whether the descriptor takes bytes just now, or within the time.
package func isWritable(_ descriptor: Int32, withinMilliseconds milliseconds: Int32 = 0) -> Bool {
  var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
  return poll(&waiting, 1, milliseconds) > 0
}

/// Whether the reader of a pipe or socket that is written to has gone.
package func isReaderGone(_ descriptor: Int32) -> Bool {
  var output = pollfd(fd: descriptor, events: 0, revents: 0)
  return poll(&output, 1, 0) > 0 && output.revents & Int16(POLLERR) != 0
}
