internal import Glibc
internal import LinuxSystem

/// How the file of a unix socket is made.
struct SocketFile: Equatable {
  var mode: mode_t = 0o660
  /// Nil: the process's own.
  var user: uid_t?
  var group: gid_t?
  /// Whether the path is taken over though a living process listens there.
  var replacesLivingOne = false

  /// A new socket at `path`, listening. There is no moment without a socket: it is made under
  /// another name and renamed.
  func listen(at path: String) throws(StartupError) -> ListeningSocket {
    try refuseIfTaken(path)
    let temporary = "\(path).\(getpid())"
    guard let address = SocketAddress(unixPath: temporary) else {
      throw .socket("--listen unix:\(path): a socket's path has at most 100 bytes")
    }
    do throws(SystemError) {
      let socket = try streamSocket(AF_UNIX)
      let raw = socket.raw
      unlink(temporary)
      try checked(.bind) { address.withPointer { bind(raw, $0, $1) } }
      do throws(SystemError) {
        // Nobody can connect before `listen`, so the mode that bind chose was never in force.
        if user != nil || group != nil {
          try checked(.chown) { chown(temporary, user ?? .max, group ?? .max) }
        }
        try checked(.chmod) { chmod(temporary, mode) }
        try checked(.listen) { Glibc.listen(raw, listenBacklog) }
        let place = try SocketPlace(of: temporary, movedTo: path)
        return ListeningSocket(socket, at: place)
      } catch {
        unlink(temporary)
        throw error
      }
    } catch {
      throw Self.error(error, at: path)
    }
  }

  private func refuseIfTaken(_ path: String) throws(StartupError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw .socket("\(path) exists and is not a socket: remove it or name another path")
    }
    guard !replacesLivingOne, let address = SocketAddress(unixPath: path) else { return }
    switch Self.errorOfConnecting(to: address) {
    case ECONNREFUSED: return  // a stale one
    case nil, EAGAIN:
      throw .socket(
        "\(path): another process listens there: stop it first, or take over from it with "
          + "--replace")
    case let code?:
      throw .socket(
        "\(path): \(errorText(code)): stop what listens there or name another path")
    }
  }

  /// - Returns: what `errno` says; nil if somebody listens there, EAGAIN if its backlog is full.
  private static func errorOfConnecting(to address: SocketAddress) -> Int32? {
    do throws(SystemError) {
      let probe = try streamSocket(AF_UNIX)
      makeNonBlocking(probe.raw)
      let raw = probe.raw
      try checked(.connect) { address.withPointer { connect(raw, $0, $1) } }
      return nil
    } catch {
      return error.errno
    }
  }

  private static func error(_ error: SystemError, at path: String) -> StartupError {
    let remedy =
      switch (error.call, error.errno) {
      case (.chown, EPERM): "; a group must be one of the process's own, another user takes root"
      case (_, ENOENT): "; make the folder first"
      case (_, EACCES), (_, EPERM), (_, EROFS):
        "; give the folder to the user that the responder runs as"
      default: ""
      }
    return .socket("--listen unix:\(path): \(error.call.rawValue): \(error.reason)\(remedy)")
  }
}

/// Where a socket of our own making lies.
struct SocketPlace {
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  /// Moves the socket's file from its temporary name to `path`.
  fileprivate init(of temporary: String, movedTo path: String) throws(SystemError) {
    var status = Glibc.stat()
    try checked(.stat) { stat(temporary, &status) }
    try checked(.rename) { rename(temporary, path) }
    (self.path, device, inode) = (path, status.st_dev, status.st_ino)
  }

  /// Removes the file, unless a successor has put its own there meanwhile.
  func removeFile() {
    var status = Glibc.stat()
    if lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode {
      unlink(path)
    }
  }
}
