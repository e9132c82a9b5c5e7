internal import CLinux
internal import EventSpool
internal import Glibc
internal import WebhookConfiguration

/// The first thread's work: accepts connections, hands those with a request to the workers, cuts off
/// what takes too long, and acts on signals.
struct EventLoop: ~Copyable {
  private static let drainSeconds = 8
  /// How long idle kept connections are served while draining: closing them at once would race
  /// with a web server that is just sending on one.
  private static let idleGraceSeconds = 1

  private let responder: Responder
  private let listener: ListeningSocket
  private let poller: Poller
  private let workers: WorkerPool
  private let signals: FileDescriptor
  private var nextConnectionID = Poller.firstConnectionID
  /// When to accept again; nil while nothing keeps us from it.
  private var pausedUntil: ContinuousClock.Instant?
  private var drainingSince: ContinuousClock.Instant?

  /// - Parameter poller: watches `listener` and `signals` already.
  init(
    _ responder: Responder, poller: Poller, workers: WorkerPool,
    listener: consuming ListeningSocket, signals: consuming FileDescriptor
  ) {
    self.responder = responder
    self.poller = poller
    self.workers = workers
    self.listener = listener
    self.signals = signals
  }

  /// Serves until a signal ends it and every request is answered.
  mutating func run() {
    while !isFinished {
      for token in poller.wait(milliseconds: millisecondsToNextTick) {
        switch token {
        case .listener: acceptConnections()
        case .signals: readSignals()
        case .connection(let id): serve(id)
        }
      }
      poller.table.cutOffExpired()
      cutOffIdleWhenDue()
      resumeAcceptingWhenDue()
    }
    listener.removeFile()
  }

  /// Without a request, a pause or an end in sight there is nothing to look after.
  private var millisecondsToNextTick: Int32 {
    if pausedUntil != nil { return 50 }
    return drainingSince != nil || poller.table.countInFlight > 0 ? 200 : -1
  }

  // MARK: Connections

  private mutating func acceptConnections() {
    while pausedUntil == nil {
      guard poller.hasRoom else { return pauseAccepting(for: .milliseconds(50)) }
      let descriptor = listener.accept()
      if descriptor >= 0 {
        add(descriptor)
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        return
      } else if errno != EINTR && errno != ECONNABORTED {
        responder.log.write(.error, "accept: \(String(cString: strerror(errno)))")
        pauseAccepting(for: .seconds(1))
      }
    }
  }

  private mutating func add(_ descriptor: Int32) {
    nextConnectionID += 1
    guard let connection = Connection(accepted: descriptor, id: nextConnectionID),
      poller.add(connection)
    else {
      responder.log.write(.error, "a connection was closed for want of descriptors")
      return pauseAccepting(for: .seconds(1))
    }
  }

  /// New connections wait in the backlog meanwhile.
  private mutating func pauseAccepting(for duration: Duration) {
    if pausedUntil == nil { poller.unwatch(listener.descriptor) }
    pausedUntil = .now + duration
  }

  private mutating func resumeAcceptingWhenDue() {
    guard let pausedUntil, drainingSince == nil, pausedUntil <= .now, poller.hasRoom,
      (try? poller.watch(listener.descriptor, as: .listener)) != nil
    else { return }
    self.pausedUntil = nil
  }

  private func serve(_ id: UInt64) {
    guard let connection = poller.table.connection(id) else { return }
    guard !connection.isAtEnd else { return poller.closeUnused(connection) }
    poller.table.startRequest(on: connection)
    workers.serve(connection)
  }

  // MARK: Signals

  private mutating func readSignals() {
    while true {
      let signal = clinux_read_signal(signals.raw)
      switch signal {
      case SIGHUP: responder.requestReload()
      case SIGTERM, SIGINT: stop()
      case -1: return
      default: break  // SIGUSR1: libfcgi's wish to stop; nobody sends it
      }
    }
  }

  /// The first time: no further connections, and the end once all is answered. The second time:
  /// the end.
  private mutating func stop() {
    // Without exit's handlers: they would free what the workers still use.
    guard drainingSince == nil else { _exit(EXIT_SUCCESS) }
    responder.log.write(.notice, "stopping, requests=\(poller.table.countInFlight)")
    if listener.isOwn {
      // First the file, so that nobody new can come; then those who wait. What waits in a socket
      // that somebody else holds is for the next process.
      listener.removeFile()
      pausedUntil = nil
      acceptConnections()
    }
    if pausedUntil == nil { poller.unwatch(listener.descriptor) }
    drainingSince = .now
    poller.startDraining()
  }

  private func cutOffIdleWhenDue() {
    guard let drainingSince else { return }
    if .now - drainingSince > .seconds(Self.idleGraceSeconds) { poller.table.cutOffIdle() }
  }

  private var isFinished: Bool {
    guard let drainingSince else { return false }
    if poller.table.count == 0 { return true }
    let isOverdue = .now - drainingSince > .seconds(Self.drainSeconds)
    if isOverdue {
      responder.log.write(.warning, "stopped with requests=\(poller.table.countInFlight)")
    }
    return isOverdue
  }
}
