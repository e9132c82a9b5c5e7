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
  private let maximumConnections: Int
  private var nextConnectionID = Poller.firstConnectionID
  private var isAccepting = true
  private var drainingSince: ContinuousClock.Instant?

  /// - Parameter poller: watches `listener` and `signals` already.
  init(
    _ responder: Responder, poller: Poller, listener: consuming ListeningSocket,
    signals: consuming FileDescriptor, maximumConnections: Int
  ) {
    self.responder = responder
    self.poller = poller
    self.listener = listener
    self.signals = signals
    self.maximumConnections = maximumConnections
    workers = WorkerPool(
      responder, maximum: responder.snapshot.configuration.settings.workers)
  }

  /// Serves until a signal ends it and every request is answered.
  mutating func run() {
    while !isFinished {
      let isTiming = drainingSince != nil || poller.table.countInFlight > 0
      for token in poller.wait(milliseconds: isTiming ? 200 : -1) {
        switch token {
        case .listener: acceptConnections()
        case .signals: readSignals()
        case .wakeUp:
          poller.clearWakeUp()
          resumeAccepting()
        case .connection(let id): serve(id)
        }
      }
      poller.table.cutOffExpired()
      cutOffIdleWhenDue()
    }
    listener.removeFile()
  }

  // MARK: Connections

  private mutating func acceptConnections() {
    while isAccepting {
      guard poller.table.count < maximumConnections else { return pauseAccepting() }
      let descriptor = listener.accept()
      if descriptor >= 0 {
        add(descriptor)
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        return
      } else if errno != EINTR && errno != ECONNABORTED {
        responder.log.write(.error, "accept: \(String(cString: strerror(errno)))")
        return pauseAccepting()
      }
    }
  }

  private mutating func add(_ descriptor: Int32) {
    nextConnectionID += 1
    guard let connection = Connection(accepted: descriptor, id: nextConnectionID),
      poller.add(connection)
    else { return responder.log.write(.error, "a connection was closed for want of descriptors") }
  }

  /// New connections wait in the backlog until one of ours goes.
  private mutating func pauseAccepting() {
    poller.unwatch(listener.descriptor)
    isAccepting = false
    poller.wakeWhenThereIsRoom()
    // It may have gone before we asked to be woken.
    if poller.table.count < maximumConnections / 2 { resumeAccepting() }
  }

  private mutating func resumeAccepting() {
    guard !isAccepting, drainingSince == nil else { return }
    isAccepting = (try? poller.watch(listener.descriptor, as: .listener)) != nil
  }

  private func serve(_ id: UInt64) {
    guard let connection = poller.table.connection(id) else { return }
    guard !connection.isAtEnd else { return poller.closeUnused(connection) }
    poller.table.startRequest(on: connection)
    workers.serve(connection, poller: poller)
  }

  // MARK: Signals

  private mutating func readSignals() {
    while true {
      let signal = clinux_read_signal(signals.raw)
      switch signal {
      case SIGHUP: responder.reload()
      case SIGTERM, SIGINT: stop()
      case -1: return
      default: break  // SIGUSR1: libfcgi's wish to stop; nobody sends it
      }
    }
  }

  /// The first time: no further connections, and the end once all is answered. The second time:
  /// the end.
  private mutating func stop() {
    guard drainingSince == nil else {
      listener.removeFile()
      exit(EXIT_SUCCESS)
    }
    responder.log.write(.notice, "stopping, requests=\(poller.table.countInFlight)")
    // What waits in a socket that somebody else holds is for the next process.
    if listener.isOwn { acceptConnections() }
    if isAccepting { poller.unwatch(listener.descriptor) }
    isAccepting = false
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
