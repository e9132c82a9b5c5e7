internal import LinuxSystem
internal import Synchronization

/// Every open connection: watched while it has no request, so that it holds no worker; timed while
/// it has one; bounded in number. The main loop waits on them, workers hand them back.
final class Connections: Sendable {
  /// What can be read.
  enum Source {
    case listener, signals
    case connection(Connection)
  }

  private struct Entry {
    let connection: Connection
    /// Nil while a kept connection is idle.
    var deadline: ContinuousClock.Instant?
  }

  private struct State {
    var entries: [UInt64: Entry] = [:]
    var countInFlight = 0
    var isDraining = false
  }

  // The numbers by which epoll knows what is watched.
  private static let listener: UInt64 = 0
  private static let signals: UInt64 = 1
  static let firstConnectionID: UInt64 = 16

  let maximum: Int
  private let epoll: Epoll
  private let state = Mutex(State())

  init(maximum: Int) throws(SystemError) {
    self.maximum = maximum
    epoll = try Epoll()
  }

  // MARK: Waiting

  func watchListener(_ descriptor: Int32) throws(SystemError) {
    try epoll.add(descriptor, as: Self.listener, isOneShot: false)
  }

  func watchSignals(_ descriptor: Int32) throws(SystemError) {
    try epoll.add(descriptor, as: Self.signals, isOneShot: false)
  }

  func unwatch(_ descriptor: Int32) { epoll.remove(descriptor) }

  /// Waits until something can be read, or the time is over.
  /// - Parameter milliseconds: -1 waits without an end.
  func wait(milliseconds: Int32, _ body: (Source) -> Void) {
    epoll.wait(milliseconds: milliseconds) { number in
      switch number {
      case Self.listener: body(.listener)
      case Self.signals: body(.signals)
      default:
        if let connection = state.withLock({ $0.entries[number]?.connection }) {
          body(.connection(connection))
        }
      }
    }
  }

  /// Watches a new connection for its first byte.
  /// - Returns: false if it could not be watched, and is closed.
  func watch(_ connection: Connection) -> Bool {
    do throws(SystemError) {
      try epoll.add(connection.duplicate.raw, as: connection.id, isOneShot: true)
      return true
    } catch {
      closeUnused(connection)
      return false
    }
  }

  // MARK: Requests

  /// Begins the time of a request on this connection, which may be new here.
  func startRequest(on connection: Connection) {
    let deadline = ContinuousClock.now + timePerRequest
    state.withLock { state in
      // The first byte of an accepted connection does not begin its time again.
      guard state.entries[connection.id]?.deadline == nil else { return }
      state.entries[connection.id] = Entry(connection: connection, deadline: deadline)
      state.countInFlight += 1
    }
  }

  /// Watches a connection whose request has been answered for the next one.
  func keep(_ connection: Connection) {
    state.withLock { state in
      guard state.entries[connection.id]?.deadline != nil else { return }
      state.entries[connection.id]?.deadline = nil
      state.countInFlight -= 1
    }
    do throws(SystemError) {
      try epoll.rearm(connection.duplicate.raw, as: connection.id)
    } catch {
      // Its first request was there at once, and so it was never watched; or it is broken.
      _ = watch(connection)
    }
  }

  /// For a connection that libfcgi has closed.
  func forget(_ connection: Connection) {
    state.withLock { state in
      let entry = state.entries.removeValue(forKey: connection.id)
      if entry?.deadline != nil { state.countInFlight -= 1 }
    }
  }

  /// For a connection that libfcgi does not own.
  func closeUnused(_ connection: Connection) {
    connection.closeDescriptor()
    forget(connection)
  }

  // MARK: How many

  var count: Int { state.withLock { $0.entries.count } }

  /// How many have a request on its way.
  var countInFlight: Int { state.withLock { $0.countInFlight } }

  var hasRoom: Bool { count < maximum }

  /// Whether a connection may stay open after its answer: not while draining, nor while idle ones
  /// could take the place of those with a request.
  var mayKeep: Bool {
    state.withLock { !$0.isDraining && $0.entries.count < maximum / 2 }
  }

  // MARK: Ends

  /// From here on, no connection is kept beyond its answer.
  func startDraining() { state.withLock { $0.isDraining = true } }

  /// Cuts off every connection whose time is over.
  func cutOffExpired(now: ContinuousClock.Instant) {
    state.withLock { state in
      for entry in state.entries.values {
        if let deadline = entry.deadline, deadline <= now { entry.connection.cutOff() }
      }
    }
  }

  /// Cuts off every connection that is kept without a request.
  func cutOffIdle() {
    state.withLock { state in
      for entry in state.entries.values where entry.deadline == nil { entry.connection.cutOff() }
    }
  }
}
