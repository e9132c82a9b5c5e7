internal import CLinux
internal import EventSpool
internal import Glibc

/// The socket that the web server connects to.
struct ListeningSocket: ~Copyable {
  /// The file that a socket of our own making lies at.
  private struct Place {
    let path: String
    let device: dev_t
    let inode: ino_t
  }

  private let socket: FileDescriptor
  private let place: Place?

  var descriptor: Int32 { socket.raw }

  /// Whether nobody but this process accepts from it, so that what waits in it must not be left.
  var isOwn: Bool { place != nil }

  private init(_ socket: consuming FileDescriptor, place: Place? = nil) {
    self.socket = socket
    self.place = place
  }

  // MARK: Inherited

  /// The listening socket that was handed over: by systemd (sd_listen_fds(3)) as descriptor 3, by
  /// spawn-fcgi or mod_fcgid as descriptor 0; nil if there is none.
  static func inherited(environment: Environment) throws(StartupError) -> ListeningSocket? {
    if environment["LISTEN_PID"].flatMap({ pid_t($0) }) == getpid(),
      let count = environment["LISTEN_FDS"].flatMap({ Int($0) }), count >= 1
    {
      return try taking(3)
    }
    return try taking(STDIN_FILENO)
  }

  private static func taking(_ descriptor: Int32) throws(StartupError) -> ListeningSocket? {
    var isListening: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0,
      isListening == 1
    else { return nil }
    // Whoever can connect can choose instance and hook, and end the process.
    guard isLocal(descriptor) else {
      throw StartupError(
        message: "the socket that was handed over can be reached from other machines: "
          + "hand over a unix socket, or one on a loopback address", exitCode: EX_CONFIG)
    }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    makeNonBlocking(descriptor)
    return ListeningSocket(FileDescriptor(owning: descriptor))
  }

  /// A unix socket, or one on 127.0.0.0/8 or ::1.
  private static func isLocal(_ descriptor: Int32) -> Bool {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &address) { storage in
      let isNamed = storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &length) == 0
      }
      guard isNamed else { return false }
      switch Int32(storage.pointee.ss_family) {
      case AF_UNIX: return true
      case AF_INET:
        return storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          UInt32(bigEndian: $0.pointee.sin_addr.s_addr) >> 24 == 127
        }
      case AF_INET6:
        return storage.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
          withUnsafeBytes(of: $0.pointee.sin6_addr) { bytes in
            bytes.last == 1 && bytes.dropLast().allSatisfy { $0 == 0 }
          }
        }
      default: return false
      }
    }
  }

  // MARK: Our own

  /// A new socket at `path`, mode 0660. There is no moment without a socket: it is made under
  /// another name and renamed. One that a living process listens on is not taken away.
  static func unix(path: String) throws(StartupError) -> ListeningSocket {
    try refuseIfTaken(path)
    let temporary = "\(path).\(getpid())"
    let raw = try started("socket", Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
    let descriptor = FileDescriptor(owning: raw)
    _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
    unlink(temporary)
    guard let isBound = withUnixAddress(temporary, { bind(raw, $0, $1) }) else {
      throw StartupError(
        message: "--listen unix:\(path): a socket's path has at most 100 bytes",
        exitCode: EX_CANTCREAT)
    }
    try make("bind", path, isBound)
    // Nobody can connect before `listen`, so the mode that bind chose was never in force.
    try make("chmod", path, chmod(temporary, 0o660))
    // A full backlog makes nginx fail at once; the kernel caps it at net.core.somaxconn.
    try make("listen", path, listen(raw, 4_096))
    makeNonBlocking(raw)
    var status = stat()
    try make("stat", path, stat(temporary, &status))
    try make("rename", path, rename(temporary, path))
    return ListeningSocket(
      descriptor, place: Place(path: path, device: status.st_dev, inode: status.st_ino))
  }

  private static func refuseIfTaken(_ path: String) throws(StartupError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw StartupError(
        message: "\(path) exists and is no socket: remove it or name another path",
        exitCode: EX_CANTCREAT)
    }
    // Not to wait where its backlog is full.
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let raw = try started("socket", Glibc.socket(AF_UNIX, type, 0))
    defer { close(raw) }
    let isConnected = withUnixAddress(path) { connect(raw, $0, $1) } == 0
    if !isConnected && errno == ECONNREFUSED { return }  // a stale one
    let reason =
      isConnected || errno == EAGAIN
      ? "another process listens there" : String(cString: strerror(errno))
    throw StartupError(
      message: "\(path): \(reason): stop it or name another path", exitCode: EX_CANTCREAT)
  }

  private static func make(
    _ call: String, _ path: String, _ result: Int32
  ) throws(StartupError) {
    guard result < 0 else { return }
    let remedy =
      switch errno {
      case ENOENT: "; make the folder first"
      case EACCES, EPERM, EROFS: "; give the folder to the user that the responder runs as"
      default: ""
      }
    throw StartupError(
      message: "--listen unix:\(path): \(call): \(String(cString: strerror(errno)))\(remedy)",
      exitCode: EX_CANTCREAT)
  }

  /// Removes the socket's file, unless a successor has put its own there meanwhile.
  func removeFile() {
    guard let place else { return }
    var status = stat()
    if lstat(place.path, &status) == 0, status.st_dev == place.device,
      status.st_ino == place.inode
    {
      unlink(place.path)
    }
  }

  // MARK: Accepting

  /// The next connection that waits, or -1 and `errno`.
  func accept() -> Int32 { clinux_accept(socket.raw) }
}

/// Several processes may wait on one listener: who comes second must not hang in `accept`.
private func makeNonBlocking(_ descriptor: Int32) {
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}

/// Calls `body` with the address of a unix socket (unix(7)); nil if the path is too long for one.
private func withUnixAddress(
  _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32? {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let bytes = Array(path.utf8)
  let fits = withUnsafeMutableBytes(of: &address.sun_path) { buffer in
    guard bytes.count < buffer.count else { return false }
    buffer.copyBytes(from: bytes)
    return true
  }
  guard fits else { return nil }
  return withUnsafePointer(to: address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
}
