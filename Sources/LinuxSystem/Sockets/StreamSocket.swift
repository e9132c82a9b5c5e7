internal import CLinux
internal import Glibc

/// A stream socket that no child process inherits.
package func streamSocket(_ family: Int32) throws(SystemError) -> FileDescriptor {
  let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
  return FileDescriptor(owning: try checked(.socket) { socket(family, type, 0) })
}

/// The next connection that waits at a listening socket that does not block; nil if there is none.
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
