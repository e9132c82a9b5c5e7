internal import EventSpool
internal import Glibc

/// One accepted connection of the web server.
///
/// libfcgi owns `descriptor` while it serves a request and may close it, whereupon the number may
/// be another client's. So the poller and the deadline use a duplicate, which lives as long as this
/// object does.
final class Connection: Sendable {
  let id: UInt64
  let descriptor: Int32
  let duplicate: FileDescriptor

  /// Takes ownership of `descriptor`; nil (and it is closed) if it cannot be duplicated.
  init?(accepted descriptor: Int32, id: UInt64) {
    let raw = duplicated(descriptor)
    guard raw >= 0 else {
      close(descriptor)
      return nil
    }
    self.descriptor = descriptor
    self.id = id
    duplicate = FileDescriptor(owning: raw)
  }

  /// Ends both directions: whoever reads from the connection sees its end, and nobody else's
  /// connection is touched.
  func cutOff() {
    shutdown(duplicate.raw, Int32(SHUT_RDWR))
  }

  enum Input {
    case none, some
    /// The peer has closed its side, or the connection is broken.
    case end
  }

  /// What can be read just now.
  var input: Input {
    var byte: UInt8 = 0
    let count = recv(duplicate.raw, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
    if count > 0 { return .some }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? .none : .end
  }

  /// For a connection that libfcgi does not own.
  func closeDescriptor() {
    close(descriptor)
  }
}

/// A duplicate that a child process does not inherit.
private func duplicated(_ descriptor: Int32) -> Int32 {
  fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
}
