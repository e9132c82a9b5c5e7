internal import Glibc

/// Hands connections to waiting workers, in the order in which they became ready.
final class WorkQueue {
  private struct State {
    var connections: [Connection] = []
    var waitingWorkers = 0
  }

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var state = State()

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(arrival, nil)
  }

  deinit {
    pthread_cond_destroy(arrival)
    pthread_mutex_destroy(mutex)
    arrival.deallocate()
    mutex.deallocate()
  }

  /// - Returns: whether a waiting worker is there to take it.
  func append(_ connection: Connection) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    state.connections.append(connection)
    pthread_cond_signal(arrival)
    return state.connections.count <= state.waitingWorkers
  }

  /// Waits for a connection.
  func next() -> Connection {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    state.waitingWorkers += 1
    while state.connections.isEmpty { pthread_cond_wait(arrival, mutex) }
    state.waitingWorkers -= 1
    return state.connections.removeFirst()
  }
}

/// Unchecked because `Mutex` has no condition variable: `state` is only touched while `mutex` is
/// held, and the two pointers never change.
extension WorkQueue: @unchecked Sendable {}
