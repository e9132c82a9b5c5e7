internal import Glibc
internal import LinuxSystem
internal import ServiceProcess

/// The first thread's work: has connections accepted, reads their requests and hands them to the
/// workers, cuts off what takes too long, and acts on signals. It waits for nothing but the next of
/// these.
struct MainLoop: ~Copyable {
  private static let drainTime = Duration.seconds(8)
  /// How long idle kept connections are served while draining: closing them at once would race
  /// with a web server that is just sending on one.
  private static let idleGrace = Duration.seconds(1)
  private static let millisecondsBetweenLooks = 200
  private static let connectionsPerTurn = 64

  private let current: CurrentSnapshot
  private var acceptor: Acceptor
  private var reception: Reception
  private let connections: Connections
  private let workers: WorkerPool
  private let signals: SignalDescriptor
  private let manager: ServiceManager
  private let log: RequestLog
  private var drainingSince: ContinuousClock.Instant?
  private var nextLook = ContinuousClock.now

  init(
    _ current: CurrentSnapshot, connections: Connections, workers: WorkerPool,
    acceptor: consuming Acceptor, signals: SignalDescriptor, manager: ServiceManager,
    log: RequestLog, counters: Counters
  ) throws(SystemError) {
    try connections.watchSignals(signals.descriptor)
    self.current = current
    self.connections = connections
    self.workers = workers
    self.acceptor = acceptor
    self.signals = signals
    self.manager = manager
    self.log = log
    reception = Reception(maximumConnections: connections.maximum, counters: counters) {
      current.value
    }
  }

  /// Serves until a signal ends it and every request is answered.
  mutating func run() {
    while !isFinished {
      connections.wait(milliseconds: millisecondsToNextTick) { source in
        switch source {
        case .listener: acceptWaiting()
        case .signals: readSignals()
        case .connection(let connection): receive(from: connection)
        }
      }
      cutOffWhenDue()
      if acceptor.resumeWhenDue() { acceptWaiting() }
      manager.keepAlive(if: !workers.areAllStuckElsewhere)
    }
  }

  /// Without a request, a pause or an end in sight there is nothing to look after.
  private var millisecondsToNextTick: Int32 {
    if acceptor.needsSoonTurn { return 50 }
    return drainingSince != nil || connections.countInFlight > 0
      ? Int32(Self.millisecondsBetweenLooks) : manager.millisecondsBetweenSignsOfLife
  }

  // MARK: Connections

  /// Some of them: signals and deadlines come in between.
  private mutating func acceptWaiting() {
    for _ in 0..<Self.connectionsPerTurn {
      guard let connection = acceptor.next() else { return }
      receive(from: connection)
    }
  }

  private mutating func receive(from connection: Connection) {
    guard connections.startRequest(on: connection) else { return }
    defer { while let greediest = reception.greediest { closeUnfinished(greediest) } }
    switch reception.receive(from: connection) {
    case .waiting:
      if !connections.watch(connection) { reception.forget(connection.id) }
    case .request(let request, let hasMore):
      let deadline = connections.startWaiting(connection)
      workers.serve(
        Job(
          connection: connection, request: request, completeAt: .now, deadline: deadline,
          hasMore: hasMore))
    case .ended:
      connections.close(connection)
    case .malformed:
      connections.close(connection)
      log.malformedRecords()
    }
  }

  private mutating func closeUnfinished(_ id: UInt64) {
    reception.forget(id)
    connections.close(id: id)
    log.malformedRecords()
  }

  // MARK: Signals

  private mutating func readSignals() {
    while let signal = signals.next() {
      switch signal {
      case SIGHUP: current.requestReload()
      // mod_fcgid sends SIGTERM twice, a second apart, and SIGKILL after eight.
      case SIGTERM where acceptor.isManaged && drainingSince != nil: break
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
    drainingSince = .now
    acceptor.stop()
    acceptWaiting()
    connections.startDraining()
    manager.notify(.stopping)
    log.log.write(.notice, "stopping", ["requests": .number(connections.countInFlight)])
  }

  /// Looks through all connections, and so not at every turn.
  private mutating func cutOffWhenDue() {
    let now = ContinuousClock.now
    guard now >= nextLook else { return }
    nextLook = now + .milliseconds(Self.millisecondsBetweenLooks)
    for id in connections.cutOffExpired(now: now) where reception.forget(id) { log.incomplete() }
    workers.dropExpired(now: now)
    guard let drainingSince else { return }
    if now - drainingSince > Self.idleGrace { connections.cutOffIdle() }
  }

  private var isFinished: Bool {
    guard let drainingSince else { return false }
    if connections.count == 0 && acceptor.isClosed { return true }
    let isOverdue = .now - drainingSince > Self.drainTime
    if isOverdue {
      log.log.write(
        .warning, "stopped before all was answered",
        ["requests": .number(connections.countInFlight)])
    }
    return isOverdue
  }
}
