internal import Glibc

/// An open descriptor: closed once, when it goes away.
package struct FileDescriptor: ~Copyable, Sendable {
  package let raw: Int32

  package init(owning raw: Int32) {
    self.raw = raw
  }

  deinit {
    // Never tried again: after EINTR, Linux has closed it all the same.
    close(raw)
  }
}
