internal import Glibc
internal import ServiceProcess
internal import Synchronization

/// Worker threads, started when a connection finds none waiting, up to a maximum.
final class WorkerPool: Sendable {
  private let responder: Responder
  private let poller: Poller
  private let maximum: Int
  private let queue = WorkQueue()
  private let count = Mutex(0)

  /// Starts the first worker.
  init(_ responder: Responder, poller: Poller, maximum: Int) throws(StartupError) {
    self.responder = responder
    self.poller = poller
    self.maximum = maximum
    guard startWorker() else {
      throw StartupError(
        message: "no thread could be started: raise the limit on tasks", exitCode: EX_OSERR)
    }
  }

  /// Has a worker serve the request that has begun to arrive on `connection`.
  func serve(_ connection: Connection) {
    // Where no further one can be started, those that are there do the work.
    if !queue.append(connection) { _ = startWorker() }
  }

  private func startWorker() -> Bool {
    let worker = Worker(responder: responder, queue: queue, poller: poller)
    return count.withLock { count in
      guard count < maximum, startThread({ worker.run() }) else { return false }
      count += 1
      return true
    }
  }
}
