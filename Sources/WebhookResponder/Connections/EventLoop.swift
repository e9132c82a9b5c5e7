internal import CLinux
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookConfiguration

/// The first thread's work: has connections accepted, hands those with a request to the workers, cuts
/// off what takes too long, and acts on signals.
struct EventLoop: ~Copyable {
  private static let drainSeconds = 8
  /// How long idle kept connections are served while draining: closing them at once would race
  /// with a web server that is just sending on one.
  private static let idleGraceSeconds = 1
  private static let millisecondsBetweenLooks = 200

  private let responder: Responder
  private var acceptor: Acceptor
  private let poller: Poller
  private let workers: WorkerPool
  private let signals: FileDescriptor
  private let manager: ServiceManager
  private var drainingSince: ContinuousClock.Instant?
  private var nextLook = ContinuousClock.now

  /// - Parameter poller: watches `signals` already.
  init(
    _ responder: Responder, poller: Poller, workers: WorkerPool,
    acceptor: consuming Acceptor, signals: consuming FileDescriptor, manager: ServiceManager
  ) {
    self.responder = responder
    self.poller = poller
    self.workers = workers
    self.acceptor = acceptor
    self.signals = signals
    self.manager = manager
  }

  /// Serves until a signal ends it and every request is answered.
  mutating func run() {
    while !isFinished {
      for token in poller.wait(milliseconds: millisecondsToNextTick) {
        switch token {
        case .listener: acceptor.acceptWaiting()
        case .signals: readSignals()
        case .connection(let id): serve(id)
        }
      }
      cutOffWhenDue()
      acceptor.resumeWhenDue()
    }
  }

  /// Without a request, a pause or an end in sight there is nothing to look after.
  private var millisecondsToNextTick: Int32 {
    if acceptor.isPaused { return 50 }
    return drainingSince != nil || poller.table.countInFlight > 0
      ? Int32(Self.millisecondsBetweenLooks) : -1
  }

  // MARK: Connections

  private func serve(_ id: UInt64) {
    guard let connection = poller.table.connection(id) else { return }
    if case .end = connection.input { return poller.closeUnused(connection) }
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
    manager.notify(.stopping)
    acceptor.stop()
    drainingSince = .now
    poller.startDraining()
  }

  /// Looks through all connections, and so not at every turn.
  private mutating func cutOffWhenDue() {
    let now = ContinuousClock.now
    guard now >= nextLook else { return }
    nextLook = now + .milliseconds(Self.millisecondsBetweenLooks)
    poller.table.cutOffExpired(now: now)
    guard let drainingSince else { return }
    if now - drainingSince > .seconds(Self.idleGraceSeconds) { poller.table.cutOffIdle() }
  }

  private var isFinished: Bool {
    guard let drainingSince else { return false }
    if poller.table.count == 0 && acceptor.isClosed { return true }
    let isOverdue = .now - drainingSince > .seconds(Self.drainSeconds)
    if isOverdue {
      responder.log.write(.warning, "stopped with requests=\(poller.table.countInFlight)")
    }
    return isOverdue
  }
}
