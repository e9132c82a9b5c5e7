internal import Glibc
internal import LinuxSystem

/// One accepted connection of the web server.
///
/// libfcgi owns `descriptor` while it serves a request and may close it, whereupon the number may
/// be another client's. So the main loop and the deadline use a duplicate, which lives as long as
/// this object does.
final class Connection: Sendable {
  let id: UInt64
  let descriptor: Int32
  let duplicate: FileDescriptor

  /// Nil (and `accepted` is closed) if it cannot be duplicated.
  init?(_ accepted: consuming FileDescriptor, id: UInt64) {
    guard let duplicate = FileDescriptor.duplicate(of: accepted.raw) else { return nil }
    self.duplicate = duplicate
    self.id = id
    descriptor = accepted.release()
  }

  /// Ends both directions: a thread that reads from the connection sees its end, and no other
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
