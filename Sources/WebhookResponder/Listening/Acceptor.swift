internal import LinuxSystem
internal import ServiceProcess

/// Accepts connections, as long as there is room for them; others wait in the backlog.
struct Acceptor: ~Copyable {
  /// How long a process manager's peers are waited for in the last round: mod_fcgid may be about to
  /// connect to a process that it has just told to end, and a connection that is not accepted any more
  /// is a lost request.
  private static let silence = Duration.milliseconds(100)
  private static let longestLastRound = Duration.seconds(1)

  private let connections: Connections
  private let log: Log
  /// Nil once nothing is accepted any more.
  private var listener: ListeningSocket?
  /// In the last round: when to close, if no further connection comes.
  private var closeAt: ContinuousClock.Instant?
  /// When to close at the latest.
  private var closeBy = ContinuousClock.now
  private var nextConnectionID = Connections.firstConnectionID
  /// When to accept again; nil while nothing keeps us from it.
  private var pausedUntil: ContinuousClock.Instant?

  init(
    _ listener: consuming ListeningSocket, connections: Connections, log: Log
  ) throws(SystemError) {
    try connections.watchListener(listener.descriptor)
    isManaged = listener.isManaged
    self.listener = consume listener
    self.connections = connections
    self.log = log
  }

  /// Whether it has been handed over by mod_fcgid or spawn-fcgi.
  let isManaged: Bool

  private var isLastRound: Bool { closeAt != nil }

  /// Whether it has to look at the time soon.
  var needsSoonTurn: Bool { isPaused || isLastRound && !isClosed }
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
        if isLastRound { closeAt = min(.now + Self.silence, closeBy) }
        return Connection(accepted, id: nextConnectionID)
      }
      if let closeAt, closeAt <= .now { close() }
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
    guard let isHeldElsewhere = listener?.isHeldElsewhere, !isHeldElsewhere else { return close() }
    closeBy = .now + (isManaged ? Self.longestLastRound : .zero)
    closeAt = min(.now + Self.silence, closeBy)
  }

  private mutating func close() {
    // Another process may hold the socket, which would keep it in epoll.
    if pausedUntil == nil, let descriptor = listener?.descriptor { connections.unwatch(descriptor) }
    pausedUntil = nil
    listener = nil
  }
}
