internal import LinuxSystem
internal import ServiceProcess
internal import Synchronization

/// Worker threads, started when a connection finds none waiting, up to a maximum.
final class WorkerPool: Sendable {
  private let current: CurrentSnapshot
  private let connections: Connections
  private let log: Log
  private let maximum: Int
  private let queue = ConnectionQueue()
  private let count = Mutex(0)

  /// Starts the first worker.
  init(
    _ current: CurrentSnapshot, connections: Connections, maximum: Int, log: Log
  ) throws(SystemError) {
    self.current = current
    self.connections = connections
    self.maximum = maximum
    self.log = log
    try startThread { [self] in work() }
    count.withLock { $0 = 1 }
  }

  /// Has a worker serve the request that has begun to arrive on `connection`.
  func serve(_ connection: Connection) {
    guard !queue.append(connection) else { return }
    count.withLock { count in
      // If no further worker can be started, those that are there do the work.
      guard count < maximum, (try? startThread { [self] in work() }) != nil else { return }
      count += 1
    }
  }

  /// A worker's thread: takes connections that have something to read and serves one request on
  /// each.
  private func work() -> Never {
    let handler = RequestHandler(current, log: log)
    let request = FastCGIRequest()
    while true {
      let connection = queue.next()
      let isOpen = serve(connection, with: handler, request)
      if isOpen { connections.keep(connection) } else { connections.forget(connection) }
    }
  }

  /// - Returns: whether the connection is still open.
  private func serve(
    _ connection: Connection, with handler: RequestHandler, _ request: FastCGIRequest
  ) -> Bool {
    guard let parameters = request.parameters(from: connection.descriptor) else { return false }
    let decision = handler.decide(parameters) { request.readBody(atMost: $0) }
    return request.respond(
      with: HTTPResponse(to: decision.outcome).bytes(hasBody: !parameters.isHead),
      isBodyRead: decision.isBodyRead, mayKeepConnection: connections.mayKeep)
  }
}

/// Hands connections to waiting workers, in the order in which they became ready.
///
/// Unchecked because the other properties are only touched while `arrival` is locked.
private final class ConnectionQueue: @unchecked Sendable {
  private let arrival = ConditionVariable()
  /// Those before `first` have been taken.
  private var waiting: [Connection?] = []
  private var first = 0
  private var waitingWorkers = 0

  /// - Returns: whether a waiting worker is there to take it.
  func append(_ connection: Connection) -> Bool {
    arrival.lock()
    waiting.append(connection)
    let isSomebodyWaiting = waitingWorkers > 0
    let isTaken = waiting.count - first <= waitingWorkers
    arrival.unlock()
    if isSomebodyWaiting { arrival.signal() }
    return isTaken
  }

  /// Waits for a connection.
  func next() -> Connection {
    arrival.lock()
    defer { arrival.unlock() }
    while true {
      if let connection = takeFirst() { return connection }
      waitingWorkers += 1
      arrival.wait()
      waitingWorkers -= 1
    }
  }

  private func takeFirst() -> Connection? {
    guard first < waiting.count else { return nil }
    // Moving the rest forward for each would cost more than the rest of the work, under load.
    if first >= 64 && first * 2 >= waiting.count {
      waiting.removeFirst(first)
      first = 0
    }
    defer { first += 1 }
    return waiting[first].take()
  }
}
