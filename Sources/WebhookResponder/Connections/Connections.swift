internal import LinuxSystem
internal import Synchronization

/// Every open connection: watched while the web server is to say something, timed while a request
/// is on its way, bounded in number. The main loop waits on them, workers hand them back.
final class Connections: Sendable {
  /// What can be read.
  enum Source {
    case listener, signals
    case connection(Connection)
  }

  private enum Phase {
    /// A request has begun, or the connection is new; the main loop reads it.
    case receiving(until: ContinuousClock.Instant)
    /// The request is whole, and waits for a worker.
    case waiting(until: ContinuousClock.Instant)
    /// A worker has it.
    case serving(until: ContinuousClock.Instant)
    /// It is decided, and the answer is being written, which waits for nothing.
    case answering
    /// It is kept, without a request.
    case idle
  }

  private struct Entry {
    let connection: Connection
    var phase: Phase
  }

  private struct State {
    var entries: [UInt64: Entry] = [:]
    var countInFlight = 0
    var isDraining = false

    mutating func remove(_ id: UInt64) {
      guard let entry = entries.removeValue(forKey: id) else { return }
      if case .idle = entry.phase { return }
      countInFlight -= 1
    }
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

  /// Watches a connection for its next bytes, once.
  /// - Parameter isAtOnce: some are here already.
  /// - Returns: false if it cannot be watched, and is closed.
  func watch(_ connection: Connection, isAtOnce: Bool = false) -> Bool {
    do throws(SystemError) {
      do throws(SystemError) {
        try epoll.rearm(connection.descriptor, as: connection.id, isAtOnce: isAtOnce)
      } catch {
        // Its first bytes were here at once, and so it was never watched; or it is broken.
        try epoll.add(connection.descriptor, as: connection.id, isOneShot: true)
        if isAtOnce { try epoll.rearm(connection.descriptor, as: connection.id, isAtOnce: true) }
      }
      return true
    } catch {
      close(connection)
      return false
    }
  }

  // MARK: Requests

  /// Begins the time of a request on this connection, which may be new here. The first byte of a
  /// new connection does not begin its time again.
  /// - Returns: whether it is to be read from: not while its last request is served.
  func startRequest(on connection: Connection) -> Bool {
    let deadline = ContinuousClock.now + timePerRequest
    return state.withLock { state in
      switch state.entries[connection.id]?.phase {
      case .receiving: return true
      case .waiting, .serving, .answering: return false
      case .idle, nil: break
      }
      state.entries[connection.id] = Entry(
        connection: connection, phase: .receiving(until: deadline))
      state.countInFlight += 1
      return true
    }
  }

  /// The request is whole, and waits for a worker.
  /// - Returns: until when it must be answered.
  func startWaiting(_ connection: Connection) -> ContinuousClock.Instant {
    state.withLock { state in
      guard case .receiving(let deadline) = state.entries[connection.id]?.phase else { return .now }
      state.entries[connection.id]?.phase = .waiting(until: deadline)
      return deadline
    }
  }

  /// A worker takes the request over.
  /// - Returns: false if its time was over before.
  func startServing(_ connection: Connection) -> Bool {
    state.withLock { state in
      guard case .waiting(let deadline) = state.entries[connection.id]?.phase else { return false }
      state.entries[connection.id]?.phase = .serving(until: deadline)
      return true
    }
  }

  /// The request is decided: its time is over no more.
  /// - Returns: whether the connection may stay open after the answer: not while draining, nor
  ///   while idle ones could take the place of those with a request.
  func startAnswer(on connection: Connection) -> Bool {
    state.withLock { state in
      state.entries[connection.id]?.phase = .answering
      return !state.isDraining && state.entries.count < maximum / 2
    }
  }

  /// Waits for the next request on a connection whose request has been answered.
  /// - Parameter hasMore: bytes of it are here already.
  func keep(_ connection: Connection, hasMore: Bool) {
    let isThere = state.withLock { state in
      guard state.entries[connection.id] != nil else { return false }
      state.entries[connection.id]?.phase = .idle
      state.countInFlight -= 1
      return true
    }
    guard isThere else { return }
    if hasMore { _ = startRequest(on: connection) }
    _ = watch(connection, isAtOnce: hasMore)
  }

  /// Takes the connection out, and so closes it once nobody else has it.
  func close(_ connection: Connection) {
    state.withLock { $0.remove(connection.id) }
  }

  // MARK: How many

  var count: Int { state.withLock { $0.entries.count } }

  /// How many have a request on its way.
  var countInFlight: Int { state.withLock { $0.countInFlight } }

  var hasRoom: Bool { count < maximum }

  /// How many wait for a worker, and how many a worker has for longer than their time.
  func countWaitingAndOverdue(now: ContinuousClock.Instant) -> (waiting: Int, overdue: Int) {
    state.withLock { state in
      var (waiting, overdue) = (0, 0)
      for entry in state.entries.values {
        switch entry.phase {
        case .waiting: waiting += 1
        case .serving(let deadline) where deadline <= now: overdue += 1
        case .receiving, .serving, .answering, .idle: break
        }
      }
      return (waiting, overdue)
    }
  }

  // MARK: Ends

  /// From here on, no connection is kept beyond its answer.
  func startDraining() { state.withLock { $0.isDraining = true } }

  /// Cuts off every connection whose time is over. Those that no worker has are closed.
  /// - Returns: these.
  func cutOffExpired(now: ContinuousClock.Instant) -> [UInt64] {
    state.withLock { state in
      var closed: [UInt64] = []
      for (id, entry) in state.entries {
        switch entry.phase {
        case .receiving(let deadline) where deadline <= now: closed.append(id)
        case .waiting(let deadline) where deadline <= now: closed.append(id)
        case .serving(let deadline) where deadline <= now: entry.connection.cutOff()
        case .receiving, .waiting, .serving, .answering, .idle: break
        }
      }
      for id in closed { state.remove(id) }
      return closed
    }
  }

  /// Closes the connection with this number.
  func close(id: UInt64) { state.withLock { $0.remove(id) } }

  /// Cuts off every connection that is kept without a request.
  func cutOffIdle() {
    state.withLock { state in
      for entry in state.entries.values {
        if case .idle = entry.phase { entry.connection.cutOff() }
      }
    }
  }
}
