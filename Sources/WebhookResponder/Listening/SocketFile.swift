internal import EventSpool
internal import Glibc
internal import ServiceProcess

/// How the file of a unix socket is made.
struct SocketFile: Equatable {
  var mode: mode_t = 0o660
  /// Nil: the process's own.
  var user: uid_t?
  var group: gid_t?
  /// Whether the path is taken over though a living process listens there.
  var replacesLivingOne = false

  /// Where a socket of our own making lies.
  struct Place {
    let path: String
    let device: dev_t
    let inode: ino_t

    /// Removes the file, unless a successor has put its own there meanwhile.
    func removeFile() {
      var status = stat()
      if lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode {
        unlink(path)
      }
    }
  }

  /// A listening socket and where it lies.
  struct Bound: ~Copyable {
    let socket: FileDescriptor
    let place: Place
  }

  /// A new socket at `path`, listening. There is no moment without a socket: it is made under
  /// another name and renamed.
  func listen(at path: String) throws(StartupError) -> Bound {
    try refuseIfTaken(path)
    let temporary = "\(path).\(getpid())"
    guard let address = SocketAddress(unixPath: temporary) else {
      throw StartupError(
        message: "--listen unix:\(path): a socket's path has at most 100 bytes",
        exitCode: EX_CANTCREAT)
    }
    let socket = try streamSocket(AF_UNIX)
    unlink(temporary)
    try make("bind", path, address.withPointer { bind(socket.raw, $0, $1) })
    do throws(StartupError) {
      // Nobody can connect before `listen`, so the mode that bind chose was never in force.
      if user != nil || group != nil {
        try make("chown", path, chown(temporary, user ?? .max, group ?? .max))
      }
      try make("chmod", path, chmod(temporary, mode))
      try make("listen", path, Glibc.listen(socket.raw, listenBacklog))
      var status = stat()
      try make("stat", path, stat(temporary, &status))
      try make("rename", path, rename(temporary, path))
      let place = Place(path: path, device: status.st_dev, inode: status.st_ino)
      return Bound(socket: socket, place: place)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private func refuseIfTaken(_ path: String) throws(StartupError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw StartupError(
        message: "\(path) exists and is no socket: remove it or name another path",
        exitCode: EX_CANTCREAT)
    }
    guard !replacesLivingOne, let address = SocketAddress(unixPath: path) else { return }
    // Not to wait where its backlog is full.
    let probe = try streamSocket(AF_UNIX)
    makeNonBlocking(probe.raw)
    let isConnected = address.withPointer { connect(probe.raw, $0, $1) } == 0
    if !isConnected && errno == ECONNREFUSED { return }  // a stale one
    let reason =
      isConnected || errno == EAGAIN
      ? "another process listens there: stop it first, or take over from it with --replace"
      : "\(String(cString: strerror(errno))): stop what listens there or name another path"
    throw StartupError(message: "\(path): \(reason)", exitCode: EX_CANTCREAT)
  }

  private func make(
    _ call: String, _ path: String, _ result: Int32
  ) throws(StartupError) {
    guard result < 0 else { return }
    let remedy =
      switch (call, errno) {
      case ("chown", EPERM): "; a group must be one of the process's own, another user takes root"
      case (_, ENOENT): "; make the folder first"
      case (_, EACCES), (_, EPERM), (_, EROFS):
        "; give the folder to the user that the responder runs as"
      default: ""
      }
    throw StartupError(
      message: "--listen unix:\(path): \(call): \(String(cString: strerror(errno)))\(remedy)",
      exitCode: EX_CANTCREAT)
  }
}

/// A full backlog makes nginx fail at once; the kernel caps it at net.core.somaxconn.
let listenBacklog: Int32 = 4_096

/// A stream socket that no child process inherits.
func streamSocket(_ family: Int32) throws(StartupError) -> FileDescriptor {
  let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
  return FileDescriptor(owning: try started("socket", socket(family, type, 0)))
}

/// Several processes may wait on one listener: who comes second must not hang in `accept`.
func makeNonBlocking(_ descriptor: Int32) {
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}
