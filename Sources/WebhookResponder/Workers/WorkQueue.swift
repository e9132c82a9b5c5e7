internal import Glibc

/// Hands connections to waiting workers, in the order in which they became ready.
final class WorkQueue {
  private struct State {
    /// Those before `first` have been taken.
    var connections: [Connection?] = []
    var first = 0
    var waitingWorkers = 0

    var count: Int { connections.count - first }

    mutating func takeFirst() -> Connection? {
      guard first < connections.count else { return nil }
      defer { first += 1 }
      // Moving the rest forward for each would cost more than the rest of the work, under load.
      if first >= 64 && first * 2 >= connections.count {
        connections.removeFirst(first)
        first = 0
      }
      return connections[first].take()
    }
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
    state.connections.append(connection)
    let isSomebodyWaiting = state.waitingWorkers > 0
    let isTaken = state.count <= state.waitingWorkers
    pthread_mutex_unlock(mutex)
    // After the lock, or whoever wakes up would only wait again, for the lock.
    if isSomebodyWaiting { pthread_cond_signal(arrival) }
    return isTaken
  }

  /// Waits for a connection.
  func next() -> Connection {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let connection = state.takeFirst() { return connection }
      state.waitingWorkers += 1
      pthread_cond_wait(arrival, mutex)
      state.waitingWorkers -= 1
    }
  }
}

/// Unchecked because `Mutex` has no condition variable: `state` is only touched while `mutex` is
/// held, and the two pointers never change.
extension WorkQueue: @unchecked Sendable {}
