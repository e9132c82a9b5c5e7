internal import Glibc

/// An open descriptor: closed once, when it goes away.
package struct FileDescriptor: ~Copyable, Sendable {
  package let raw: Int32

  package init(owning raw: Int32) {
    self.raw = raw
  }

  deinit {
    // Never tried again: Linux closes it even if it reports EINTR.
    close(raw)
  }

  /// Hands the descriptor over: its new owner closes it.
  package consuming func release() -> Int32 {
    let raw = raw
    discard self
    return raw
  }

  /// A further descriptor of the same open file, which no child process inherits; nil if there is
  /// none to be had.
  package static func duplicate(of raw: Int32) -> FileDescriptor? {
    let copy = fcntl(raw, F_DUPFD_CLOEXEC, 0)
    return copy < 0 ? nil : FileDescriptor(owning: copy)
  }
}

/// Makes reads, writes and `accept` on the descriptor return at once, with EAGAIN, if they would
/// wait.
package func makeNonBlocking(_ descriptor: Int32) {
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}
