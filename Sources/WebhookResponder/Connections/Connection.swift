internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// One accepted connection of the web server. It is closed when the last reference to it goes.
/// Reads and writes on it never wait, unless the writer wants to.
final class Connection: Sendable {
  private static let secondsOfWait = 2

  let id: UInt64
  private let socket: FileDescriptor
  /// Bytes that came behind a request: the next one's. They go with the connection.
  private let rest = Mutex<[UInt8]>([])

  /// - Parameter accepted: does not block.
  init(_ accepted: consuming FileDescriptor, id: UInt64) {
    socket = accepted
    self.id = id
  }

  var descriptor: Int32 { socket.raw }

  func keep(_ rest: [UInt8]) { self.rest.withLock { $0 = rest } }

  func takeRest() -> [UInt8] {
    rest.withLock { rest in
      defer { rest = [] }
      return rest
    }
  }

  /// Ends both directions: a thread that uses the connection sees its end.
  func cutOff() {
    shutdown(socket.raw, Int32(SHUT_RDWR))
  }

  enum Input {
    case bytes(Int)
    /// Nothing for now.
    case none
    /// The peer has closed its side, or the connection is broken.
    case end
  }

  /// Reads what has come, as much as fits.
  func receive(into buffer: inout [UInt8]) -> Input {
    let count = recv(socket.raw, &buffer, buffer.count, 0)
    if count > 0 { return .bytes(count) }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? .none : .end
  }

  /// Has whoever writes wait for the peer, some seconds each time, or not any more. While it waits,
  /// nobody else may use the connection.
  func waitWhenSending(_ waits: Bool) {
    let flags = fcntl(socket.raw, F_GETFL)
    _ = fcntl(socket.raw, F_SETFL, waits ? flags & ~O_NONBLOCK : flags | O_NONBLOCK)
    var limit = timeval(tv_sec: waits ? Self.secondsOfWait : 0, tv_usec: 0)
    setsockopt(
      socket.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// - Returns: false unless the peer took all of it at once.
  func send(_ bytes: [UInt8]) -> Bool {
    Glibc.send(socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }
}
