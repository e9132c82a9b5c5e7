internal import CLinux
internal import Glibc

/// A stream socket that no child process inherits.
package func streamSocket(_ family: Int32) throws(SystemError) -> FileDescriptor {
  let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
  return FileDescriptor(owning: try checked(.socket) { socket(family, type, 0) })
}

/// Two sockets that are connected with each other.
package struct SocketPair: ~Copyable {
  package let one: FileDescriptor
  package let other: FileDescriptor

  package init() throws(SystemError) {
    var ends: (one: Int32, other: Int32) = (-1, -1)
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    try checked(.socketpair) {
      withUnsafeMutableBytes(of: &ends) {
        socketpair(AF_UNIX, type, 0, $0.assumingMemoryBound(to: Int32.self).baseAddress)
      }
    }
    one = FileDescriptor(owning: ends.one)
    other = FileDescriptor(owning: ends.other)
  }

  /// Hands both descriptors over: their new owner closes them.
  package consuming func released() -> (one: Int32, other: Int32) {
    (one.release(), other.release())
  }
}

/// The next connection that waits at a listening socket that does not block; nil if there is none.
/// Reads and writes on it do not block either.
/// A connection that was given up meanwhile is passed over.
package func acceptConnection(at listener: Int32) throws(SystemError) -> FileDescriptor? {
  while true {
    let raw = clinux_accept(listener)
    if raw >= 0 { return FileDescriptor(owning: raw) }
    switch errno {
    case EAGAIN: return nil
    case EINTR, ECONNABORTED: continue
    default: throw SystemError(.accept, errno: errno)
    }
  }
}
