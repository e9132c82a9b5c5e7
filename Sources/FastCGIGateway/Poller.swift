internal import CLinux
internal import EventSpool
internal import Glibc
internal import Synchronization

/// Watches descriptors for something to read, so that a connection without a request holds no
/// worker. The event loop waits on it; workers hand connections back to it.
final class Poller: Sendable {
  /// What a descriptor is watched as.
  enum Token: Equatable {
    case listener, signals, wakeUp
    case connection(UInt64)

    fileprivate var number: UInt64 {
      switch self {
      case .listener: 0
      case .signals: 1
      case .wakeUp: 2
      case .connection(let id): id
      }
    }

    fileprivate init(number: UInt64) {
      switch number {
      case 0: self = .listener
      case 1: self = .signals
      case 2: self = .wakeUp
      default: self = .connection(number)
      }
    }
  }

  /// Identifiers of connections begin here.
  static let firstConnectionID: UInt64 = 16

  let table = ConnectionTable()
  private let epoll: FileDescriptor
  private let wakeUp: FileDescriptor
  private let draining = Atomic(false)
  private let isWaitingForRoom = Atomic(false)

  init() throws(StartupError) {
    epoll = FileDescriptor(owning: try started("epoll_create1", clinux_epoll_create()))
    wakeUp = FileDescriptor(owning: try started("eventfd", clinux_event_descriptor()))
    try watch(wakeUp.raw, as: .wakeUp)
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

  /// Watches a new connection for its first byte; its time begins now.
  /// - Returns: false if it could not be watched, and is closed.
  func add(_ connection: Connection) -> Bool {
    table.startRequest(on: connection)
    guard clinux_epoll_add(epoll.raw, connection.duplicate.raw, connection.id, 1) == 0 else {
      closeUnused(connection)
      return false
    }
    return true
  }

  /// Watches a connection whose request has been answered for the next one.
  func keep(_ connection: Connection) {
    table.markIdle(connection)
    guard clinux_epoll_rearm(epoll.raw, connection.duplicate.raw, connection.id) == 0 else {
      return closeUnused(connection)
    }
  }

  /// For a connection that libfcgi has closed.
  func forget(_ connection: Connection) {
    table.remove(connection)
    if isWaitingForRoom.exchange(false, ordering: .acquiringAndReleasing) { wake() }
  }

  /// For a connection that libfcgi does not own.
  func closeUnused(_ connection: Connection) {
    connection.closeDescriptor()
    forget(connection)
  }

  // MARK: States

  /// Once set, no connection is kept beyond its answer.
  var isDraining: Bool { draining.load(ordering: .acquiring) }

  func startDraining() { draining.store(true, ordering: .releasing) }

  /// Wakes the event loop as soon as a connection goes.
  func wakeWhenThereIsRoom() { isWaitingForRoom.store(true, ordering: .releasing) }

  private func wake() {
    var one: UInt64 = 1
    _ = write(wakeUp.raw, &one, 8)
  }

  /// Takes note of a wake-up.
  func clearWakeUp() {
    var count: UInt64 = 0
    _ = read(wakeUp.raw, &count, 8)
  }
}
