internal import LinuxSystem
internal import ServiceProcess

/// Accepts connections, as long as there is room for them; others wait in the backlog.
struct Acceptor: ~Copyable {
  private let connections: Connections
  private let log: Log
  /// Nil once nothing is accepted any more.
  private var listener: ListeningSocket?
  private var isLastRound = false
  private var nextConnectionID = Connections.firstConnectionID
  /// When to accept again; nil while nothing keeps us from it.
  private var pausedUntil: ContinuousClock.Instant?

  init(
    _ listener: consuming ListeningSocket, connections: Connections, log: Log
  ) throws(SystemError) {
    try connections.watchListener(listener.descriptor)
    self.listener = consume listener
    self.connections = connections
    self.log = log
  }

  var isPaused: Bool { pausedUntil != nil }
  var isClosed: Bool { listener == nil }

  /// The next connection that waits; nil if there is none, or no room for one. In the last round,
  /// the listener is closed behind the last one.
  mutating func next() -> Connection? {
    guard pausedUntil == nil, let descriptor = listener?.descriptor else { return nil }
    guard connections.hasRoom else {
      pause(for: .milliseconds(50))
      return nil
    }
    do throws(SystemError) {
      if let accepted = try acceptConnection(at: descriptor) {
        nextConnectionID += 1
        return Connection(accepted, id: nextConnectionID)
      }
      if isLastRound { close() }
    } catch {
      log.write(.error, "accept: \(error.reason)")
      pause(for: .seconds(1))
    }
    return nil
  }

  private mutating func pause(for duration: Duration) {
    if pausedUntil == nil, let descriptor = listener?.descriptor { connections.unwatch(descriptor) }
    pausedUntil = .now + duration
  }

  /// - Returns: whether to accept at once: no new connection may arrive to wake us in the last
  ///   round.
  mutating func resumeWhenDue() -> Bool {
    if isLastRound && !isPaused { return !isClosed }
    guard let pausedUntil, pausedUntil <= .now, connections.hasRoom else { return false }
    guard let descriptor = listener?.descriptor,
      (try? connections.watchListener(descriptor)) != nil
    else { return false }
    self.pausedUntil = nil
    return isLastRound
  }

  /// No further connections, but for those that wait already if nobody else could take them: `next`
  /// is to be called until there is none.
  mutating func stop() {
    // First the file, so that nobody new can come.
    listener?.removeFile()
    if listener?.isHeldElsewhere ?? true { close() } else { isLastRound = true }
  }

  private mutating func close() {
    // Another process may hold the socket, which would keep it in epoll.
    if pausedUntil == nil, let descriptor = listener?.descriptor { connections.unwatch(descriptor) }
    pausedUntil = nil
    listener = nil
  }
}
