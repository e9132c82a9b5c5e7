internal import CLinux
internal import EventSpool
internal import Glibc
internal import Synchronization

/// Watches descriptors for something to read, so that a connection without a request holds no
/// worker. The event loop waits on it; workers hand connections back to it.
final class Poller: Sendable {
  /// What a descriptor is watched as.
  enum Token: Equatable {
    case listener, signals
    case connection(UInt64)

    fileprivate var number: UInt64 {
      switch self {
      case .listener: 0
      case .signals: 1
      case .connection(let id): id
      }
    }

    fileprivate init(number: UInt64) {
      switch number {
      case 0: self = .listener
      case 1: self = .signals
      default: self = .connection(number)
      }
    }
  }

  /// Identifiers of connections begin here.
  static let firstConnectionID: UInt64 = 16

  let table = ConnectionTable()
  let maximumConnections: Int
  private let epoll: FileDescriptor
  private let draining = Atomic(false)

  init(maximumConnections: Int) throws(StartupError) {
    self.maximumConnections = maximumConnections
    epoll = FileDescriptor(owning: try started("epoll_create1", clinux_epoll_create()))
  }

  func watch(_ descriptor: Int32, as token: Token) throws(StartupError) {
    _ = try started("epoll_ctl", clinux_epoll_add(epoll.raw, descriptor, token.number, 0))
  }

  func unwatch(_ descriptor: Int32) {
    _ = clinux_epoll_remove(epoll.raw, descriptor)
  }

  /// Waits until something can be read, or the time is over.
  /// - Parameter milliseconds: -1 waits without an end.
  func wait(milliseconds: Int32) -> [Token] {
    var ready = [clinux_readiness](repeating: clinux_readiness(token: 0), count: 64)
    let count = clinux_epoll_wait(epoll.raw, &ready, Int32(ready.count), milliseconds)
    return ready.prefix(max(0, Int(count))).map { Token(number: $0.token) }
  }

  // MARK: Connections

  /// Watches a new connection for its first byte.
  /// - Returns: false if it could not be watched, and is closed.
  func add(_ connection: Connection) -> Bool {
    guard clinux_epoll_add(epoll.raw, connection.duplicate.raw, connection.id, 1) == 0 else {
      closeUnused(connection)
      return false
    }
    return true
  }

  /// Watches a connection whose request has been answered for the next one.
  func keep(_ connection: Connection) {
    table.markIdle(connection)
    if clinux_epoll_rearm(epoll.raw, connection.duplicate.raw, connection.id) == 0 { return }
    // Its first request was there at once, and so it was never watched.
    guard errno == ENOENT else { return closeUnused(connection) }
    _ = add(connection)
  }

  /// For a connection that libfcgi has closed.
  func forget(_ connection: Connection) {
    table.remove(connection)
  }

  /// For a connection that libfcgi does not own.
  func closeUnused(_ connection: Connection) {
    connection.closeDescriptor()
    forget(connection)
  }

  // MARK: States

  var hasRoom: Bool { table.count < maximumConnections }

  /// Whether a connection may stay open after its answer: not while draining, nor while idle ones
  /// could take the place of those with a request.
  var mayKeepConnections: Bool {
    !draining.load(ordering: .acquiring) && table.count < maximumConnections / 2
  }

  /// Once called, no connection is kept beyond its answer.
  func startDraining() { draining.store(true, ordering: .releasing) }
}
