internal import Glibc
internal import ServiceProcess

/// Accepts connections and has them watched, as long as there is room for them; others wait in the
/// backlog.
struct Acceptor: ~Copyable {
  private let poller: Poller
  private let workers: WorkerPool
  private let log: Log
  /// Nil once nothing is accepted any more.
  private var listener: ListeningSocket?
  private var isLastRound = false
  private var nextConnectionID = Poller.firstConnectionID
  /// When to accept again; nil while nothing keeps us from it.
  private var pausedUntil: ContinuousClock.Instant?

  init(
    _ listener: consuming ListeningSocket, poller: Poller, workers: WorkerPool, log: Log
  ) throws(StartupError) {
    try poller.watch(listener.descriptor, as: .listener)
    self.listener = consume listener
    self.poller = poller
    self.workers = workers
    self.log = log
  }

  var isPaused: Bool { pausedUntil != nil }
  var isClosed: Bool { listener == nil }

  /// Accepts all that wait, as far as there is room. In the last round, the listener is closed
  /// behind them.
  mutating func acceptWaiting() {
    while pausedUntil == nil {
      guard poller.hasRoom else { return pause(for: .milliseconds(50)) }
      guard let descriptor = listener?.accept() else { return }
      if descriptor >= 0 {
        add(descriptor)
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        if isLastRound { close() }
        return
      } else if errno != EINTR && errno != ECONNABORTED {
        log.write(.error, "accept: \(String(cString: strerror(errno)))")
        pause(for: .seconds(1))
      }
    }
  }

  private mutating func add(_ descriptor: Int32) {
    nextConnectionID += 1
    guard let connection = Connection(accepted: descriptor, id: nextConnectionID) else {
      log.write(.error, "a connection was closed for want of descriptors")
      return pause(for: .seconds(1))
    }
    // Its time begins now, whatever it says.
    poller.table.startRequest(on: connection)
    switch connection.input {
    case .some: workers.serve(connection)  // a web server sends its request at once
    case .end: poller.closeUnused(connection)
    case .none:
      guard !poller.add(connection) else { return }
      log.write(.error, "a connection was closed for want of descriptors")
      pause(for: .seconds(1))
    }
  }

  private mutating func pause(for duration: Duration) {
    if pausedUntil == nil, let descriptor = listener?.descriptor { poller.unwatch(descriptor) }
    pausedUntil = .now + duration
  }

  mutating func resumeWhenDue() {
    guard let pausedUntil, pausedUntil <= .now, poller.hasRoom else { return }
    guard let descriptor = listener?.descriptor,
      (try? poller.watch(descriptor, as: .listener)) != nil
    else { return }
    self.pausedUntil = nil
    // Where nobody new comes, nothing would tell that the backlog is empty.
    if isLastRound { acceptWaiting() }
  }

  /// No further connections, but for those that wait already where nobody else could take them.
  mutating func stop() {
    // First the file, so that nobody new can come.
    listener?.removeFile()
    if listener?.isHeldElsewhere ?? true { return close() }
    isLastRound = true
    acceptWaiting()
  }

  private mutating func close() {
    // Somebody else may hold the socket, which would keep it in the poller.
    if pausedUntil == nil, let descriptor = listener?.descriptor { poller.unwatch(descriptor) }
    pausedUntil = nil
    listener = nil
  }
}
