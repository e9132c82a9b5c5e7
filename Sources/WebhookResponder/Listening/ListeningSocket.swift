internal import Glibc
internal import LinuxSystem

/// The socket that the web server connects to.
struct ListeningSocket: ~Copyable {
  private let socket: FileDescriptor
  /// Nil unless it is a unix socket of our own making.
  private let place: SocketPlace?

  /// Whether the next process could take what waits in the backlog, as under systemd. Else it must
  /// not be left there.
  let isHeldElsewhere: Bool
  /// Whether no further process serves the same locations. mod_fcgid and spawn-fcgi may have started
  /// several, each with a socket of its own.
  let hasOneProcess: Bool

  /// Whether mod_fcgid or spawn-fcgi has handed it over, whose peers find it until it is closed.
  var isManaged: Bool { !hasOneProcess }

  var descriptor: Int32 { socket.raw }

  init(
    _ socket: consuming FileDescriptor, at place: SocketPlace? = nil,
    isHeldElsewhere: Bool = false, hasOneProcess: Bool = true
  ) {
    // Several processes may wait on one listener: who comes second must not hang in `accept`.
    makeNonBlocking(socket.raw)
    self.socket = socket
    self.place = place
    self.isHeldElsewhere = isHeldElsewhere
    self.hasOneProcess = hasOneProcess
  }

  // MARK: Our own

  init(
    _ address: ListenAddress, file: SocketFile, allowsRemote: Bool
  ) throws(StartupError) {
    switch address {
    case .unix(let path):
      self = try file.listen(at: path)
    case .internet(let host, let port):
      guard let address = SocketAddress(host: host, port: port) else {
        throw .usage("--listen: \(host) is not a numeric address")
      }
      try requireLocal(address, allowsRemote: allowsRemote)
      self.init(try Self.internetSocket(address, "\(host), port \(port)"))
    }
  }

  private static func internetSocket(
    _ address: SocketAddress, _ name: String
  ) throws(StartupError) -> FileDescriptor {
    do throws(SystemError) {
      let socket = try streamSocket(address.family)
      var yes: Int32 = 1
      setsockopt(
        socket.raw, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      let raw = socket.raw
      try checked(.bind) { address.withPointer { bind(raw, $0, $1) } }
      try checked(.listen) { listen(raw, listenBacklog) }
      return socket
    } catch {
      throw .socket("--listen \(name): \(error.reason)")
    }
  }

  // MARK: Inherited

  /// The listening socket that was handed over: by systemd (sd_listen_fds(3)) as descriptor 3, by
  /// spawn-fcgi or mod_fcgid as descriptor 0; nil if there is none.
  static func inherited(
    environment: Environment, allowsRemote: Bool
  ) throws(StartupError) -> ListeningSocket? {
    if environment["LISTEN_PID"].flatMap({ pid_t($0) }) == getpid(),
      let count = environment["LISTEN_FDS"].flatMap({ Int($0) }), count >= 1
    {
      guard count == 1 else { throw .usage("systemd handed over \(count) sockets: hand over one") }
      return try taking(3, isSystemds: true, allowsRemote)
    }
    // spawn-fcgi holds nothing, and under mod_fcgid each process has a socket of its own.
    return try taking(STDIN_FILENO, isSystemds: false, allowsRemote)
  }

  private static func taking(
    _ descriptor: Int32, isSystemds: Bool, _ allowsRemote: Bool
  ) throws(StartupError) -> ListeningSocket? {
    var isListening: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0,
      isListening == 1, let address = SocketAddress(boundBy: descriptor)
    else { return nil }
    try requireLocal(address, allowsRemote: allowsRemote)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return ListeningSocket(
      FileDescriptor(owning: descriptor), isHeldElsewhere: isSystemds, hasOneProcess: isSystemds)
  }

  /// From here on nobody new can come, unless the socket is reached in another way than by a file
  /// of ours.
  func removeFile() { place?.removeFile() }
}

/// A full backlog makes nginx fail at once; the kernel caps it at net.core.somaxconn.
let listenBacklog: Int32 = 4_096

/// A peer of the socket can choose instance and hook.
private func requireLocal(_ address: SocketAddress, allowsRemote: Bool) throws(StartupError) {
  guard allowsRemote || address.isLocal else {
    throw .configuration(
      "other machines could reach the socket: take a unix socket or a loopback address, or pass "
        + "--allow-remote")
  }
}
