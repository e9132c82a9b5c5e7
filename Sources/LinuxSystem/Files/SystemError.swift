internal import Glibc

/// The system calls and library functions whose failures are told. The raw value is what an
/// operator reads.
package enum SystemCall: String, Sendable {
  case access, accept, bind, chmod, chown, connect
  case epollControl = "epoll_ctl"
  case epollCreate = "epoll_create1"
  case spawn = "execve"
  case faccessat, fchmod, fchown, fcntl, fdopendir, flock, fstat, fstatat, fstatvfs, fsync
  case inotifyAddWatch = "inotify_add_watch"
  case inotifyInit = "inotify_init1"
  case linkat, listen, mkdir, open, pipe
  case pread
  case createThread = "pthread_create"
  case read, readdir, realpath, rename, renameat, renameat2, rmdir
  case signalDescriptor = "signalfd"
  case socket, socketpair, stat, unlinkat, write
}

/// A system call that failed, and on what.
package struct SystemError: Error, Equatable, Sendable {
  package let call: SystemCall
  /// One of our own or the operator's, never the sender's; empty if the call has none.
  package let path: String
  package let errno: Int32

  package init(_ call: SystemCall, _ path: String = "", errno: Int32) {
    (self.call, self.path, self.errno) = (call, path, errno)
  }

  /// What the system says of it, as strerror(3) puts it; of what cannot be read without waiting, what
  /// that means.
  package var reason: String {
    call == .read && errno == EAGAIN
      ? "it is a pipe or a terminal; name a plain file, which can be read again" : errorText(errno)
  }
}

/// What the system says of `code`, as strerror(3) puts it.
package func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }

/// The result of `body`, which is called again as long as a signal interrupts it.
@inlinable
package func retrying<Count: SignedInteger>(_ body: () -> Count) -> Count {
  while true {
    let result = body()
    if result >= 0 || !wasInterrupted() { return result }
  }
}

@usableFromInline
package func wasInterrupted() -> Bool { Glibc.errno == EINTR }

/// The result of `body`, which is called again as long as a signal interrupts it.
/// - Throws: what `errno` says if it is negative.
@discardableResult
package func checked<Count: SignedInteger>(
  _ call: SystemCall, _ path: @autoclosure () -> String = "", _ body: () -> Count
) throws(SystemError) -> Count {
  let result = retrying(body)
  guard result >= 0 else {
    let code = errno
    throw SystemError(call, path(), errno: code)
  }
  return result
}
