internal import LinuxSystem
internal import ServiceProcess

/// Accepts connections and has them watched, as long as there is room for them; others wait in the
/// backlog.
struct Acceptor: ~Copyable {
  private let connections: Connections
  private let workers: WorkerPool
  private let log: Log
  /// Nil once nothing is accepted any more.
  private var listener: ListeningSocket?
  private var isLastRound = false
  private var nextConnectionID = Connections.firstConnectionID
  /// When to accept again; nil while nothing keeps us from it.
  private var pausedUntil: ContinuousClock.Instant?

  init(
    _ listener: consuming ListeningSocket, connections: Connections, workers: WorkerPool, log: Log
  ) throws(SystemError) {
    try connections.watchListener(listener.descriptor)
    self.listener = consume listener
    self.connections = connections
    self.workers = workers
    self.log = log
  }

  var isPaused: Bool { pausedUntil != nil }
  var isClosed: Bool { listener == nil }

  /// Accepts all that wait, as far as there is room. In the last round, the listener is closed
  /// behind them.
  mutating func acceptWaiting() {
    while pausedUntil == nil, let descriptor = listener?.descriptor {
      guard connections.hasRoom else { return pause(for: .milliseconds(50)) }
      do throws(SystemError) {
        guard let accepted = try acceptConnection(at: descriptor) else {
          if isLastRound { close() }
          return
        }
        add(accepted)
      } catch {
        log.write(.error, "accept: \(error.reason)")
        pause(for: .seconds(1))
      }
    }
  }

  private mutating func add(_ accepted: consuming FileDescriptor) {
    nextConnectionID += 1
    guard let connection = Connection(accepted, id: nextConnectionID) else {
      return pauseOutOfDescriptors()
    }
    // Its time begins now, whatever it says.
    connections.startRequest(on: connection)
    switch connection.input {
    case .some: workers.serve(connection)  // a web server sends its request at once
    case .end: connections.closeUnused(connection)
    case .none: if !connections.watch(connection) { pauseOutOfDescriptors() }
    }
  }

  private mutating func pauseOutOfDescriptors() {
    log.write(.error, "closed a connection: out of file descriptors")
    pause(for: .seconds(1))
  }

  private mutating func pause(for duration: Duration) {
    if pausedUntil == nil, let descriptor = listener?.descriptor { connections.unwatch(descriptor) }
    pausedUntil = .now + duration
  }

  mutating func resumeWhenDue() {
    guard let pausedUntil, pausedUntil <= .now, connections.hasRoom else { return }
    guard let descriptor = listener?.descriptor,
      (try? connections.watchListener(descriptor)) != nil
    else { return }
    self.pausedUntil = nil
    // No new connection may arrive to wake us, so the rest of the backlog is accepted now.
    if isLastRound { acceptWaiting() }
  }

  /// No further connections, but for those that wait already if nobody else could take them.
  mutating func stop() {
    // First the file, so that nobody new can come.
    listener?.removeFile()
    if listener?.isHeldElsewhere ?? true { return close() }
    isLastRound = true
    acceptWaiting()
  }

  private mutating func close() {
    // Another process may hold the socket, which would keep it in epoll.
    if pausedUntil == nil, let descriptor = listener?.descriptor { connections.unwatch(descriptor) }
    pausedUntil = nil
    listener = nil
  }
}
