internal import Glibc
internal import LinuxSystem
internal import ServiceProcess

/// The first thread's work: has connections accepted, hands those with a request to the workers,
/// cuts off what takes too long, and acts on signals.
struct MainLoop: ~Copyable {
  private static let drainTime = Duration.seconds(8)
  /// How long idle kept connections are served while draining: closing them at once would race
  /// with a web server that is just sending on one.
  private static let idleGrace = Duration.seconds(1)
  private static let millisecondsBetweenLooks = 200

  private let current: CurrentSnapshot
  private var acceptor: Acceptor
  private let connections: Connections
  private let workers: WorkerPool
  private let signals: SignalDescriptor
  private let manager: ServiceManager
  private let log: Log
  private var drainingSince: ContinuousClock.Instant?
  private var nextLook = ContinuousClock.now

  init(
    _ current: CurrentSnapshot, connections: Connections, workers: WorkerPool,
    acceptor: consuming Acceptor, signals: SignalDescriptor, manager: ServiceManager, log: Log
  ) throws(SystemError) {
    try connections.watchSignals(signals.descriptor)
    self.current = current
    self.connections = connections
    self.workers = workers
    self.acceptor = acceptor
    self.signals = signals
    self.manager = manager
    self.log = log
  }

  /// Serves until a signal ends it and every request is answered.
  mutating func run() {
    while !isFinished {
      connections.wait(milliseconds: millisecondsToNextTick) { source in
        switch source {
        case .listener: acceptor.acceptWaiting()
        case .signals: readSignals()
        case .connection(let connection): serve(connection)
        }
      }
      cutOffWhenDue()
      acceptor.resumeWhenDue()
    }
  }

  /// Without a request, a pause or an end in sight there is nothing to look after.
  private var millisecondsToNextTick: Int32 {
    if acceptor.isPaused { return 50 }
    return drainingSince != nil || connections.countInFlight > 0
      ? Int32(Self.millisecondsBetweenLooks) : -1
  }

  private func serve(_ connection: Connection) {
    if case .end = connection.input { return connections.closeUnused(connection) }
    connections.startRequest(on: connection)
    workers.serve(connection)
  }

  // MARK: Signals

  private mutating func readSignals() {
    while let signal = signals.next() {
      switch signal {
      case SIGHUP: current.requestReload()
      case SIGTERM, SIGINT: stop()
      default: break  // SIGUSR1: libfcgi's wish to stop; nobody sends it
      }
    }
  }

  /// The first time: no further connections, and the end once all is answered. The second time:
  /// the end.
  private mutating func stop() {
    // Without exit's handlers: they would free what the workers still use.
    guard drainingSince == nil else { _exit(EXIT_SUCCESS) }
    log.write(.notice, "stopping", ["requests": .number(connections.countInFlight)])
    manager.notify(.stopping)
    acceptor.stop()
    drainingSince = .now
    connections.startDraining()
  }

  /// Looks through all connections, and so not at every turn.
  private mutating func cutOffWhenDue() {
    let now = ContinuousClock.now
    guard now >= nextLook else { return }
    nextLook = now + .milliseconds(Self.millisecondsBetweenLooks)
    connections.cutOffExpired(now: now)
    guard let drainingSince else { return }
    if now - drainingSince > Self.idleGrace { connections.cutOffIdle() }
  }

  private var isFinished: Bool {
    guard let drainingSince else { return false }
    if connections.count == 0 && acceptor.isClosed { return true }
    let isOverdue = .now - drainingSince > Self.drainTime
    if isOverdue {
      log.write(
        .warning, "stopped before all was answered",
        ["requests": .number(connections.countInFlight)])
    }
    return isOverdue
  }
}
