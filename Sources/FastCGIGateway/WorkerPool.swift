internal import Synchronization

/// Worker threads, started when a connection finds none waiting, up to a maximum.
final class WorkerPool: Sendable {
  private let responder: Responder
  private let maximum: Int
  private let queue = WorkQueue()
  private let started = Mutex(0)

  init(_ responder: Responder, maximum: Int) {
    self.responder = responder
    self.maximum = maximum
  }

  /// Has a worker serve the request that has begun to arrive on `connection`.
  func serve(_ connection: Connection, poller: Poller) {
    guard !queue.append(connection) else { return }
    let worker = Worker(responder: responder, queue: queue, poller: poller)
    started.withLock { started in
      guard started < maximum else { return }
      if startThread({ worker.run() }) {
        started += 1
      } else if started == 0 {
        responder.log.write(.error, "no thread could be started: raise the limit on tasks")
      }
    }
  }
}
