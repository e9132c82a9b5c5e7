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
      // So that the mode needs no change later.
      let mask = umask(0o777 & ~mode)
      defer { umask(mask) }
      try checked(.bind) { address.withPointer { bind(raw, $0, $1) } }
      do throws(SystemError) {
        let file = try own(temporary)
        try checked(.listen) { Glibc.listen(raw, listenBacklog) }
        try checked(.rename) { rename(temporary, path) }
        return ListeningSocket(socket, at: SocketPlace(path: path, identity: file))
      } catch {
        unlink(temporary)
        throw error
      }
    } catch {
      throw Self.error(error, at: path)
    }
  }

  /// Gives the new socket's file to its user and group. By a descriptor, for whoever may write to
  /// the folder can put another file at the path: that one must not be given away.
  private func own(_ path: String) throws(SystemError) -> FileIdentity? {
    let file = FileDescriptor(
      owning: try checked(.open, path) {
        open(path, openPathOnly | O_NOFOLLOW | O_CLOEXEC)
      })
    let raw = file.raw
    var status = stat()
    try checked(.fstat, path) { fstat(raw, &status) }
    guard status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid(), status.st_nlink == 1
    else { throw SystemError(.bind, path, errno: EPERM) }
    if user != nil || group != nil {
      try checked(.chown, path) { fchownat(raw, "", user ?? .max, group ?? .max, atEmptyPath) }
    }
    return FileIdentity(raw)
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
  fileprivate let path: String
  fileprivate let identity: FileIdentity?

  /// Removes the file, unless a successor has put its own there meanwhile.
  func removeFile() {
    if let identity, FileIdentity(path: path) == identity { unlink(path) }
  }
}
