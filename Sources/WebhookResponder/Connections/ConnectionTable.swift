internal import Synchronization

/// Every connection that is open, and until when its request must be answered.
final class ConnectionTable: Sendable {
  private struct Entry {
    let connection: Connection
    /// Nil while a kept connection is idle.
    var deadline: ContinuousClock.Instant?
  }

  /// From the first byte, or from `accept`, to the answer.
  static let secondsPerRequest = 10

  private struct State {
    var entries: [UInt64: Entry] = [:]
    var countInFlight = 0
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.entries.count } }

  /// How many have a request on its way.
  var countInFlight: Int { state.withLock { $0.countInFlight } }

  /// Begins the time of a request on this connection, which may be new to the table.
  func startRequest(on connection: Connection) {
    let deadline = ContinuousClock.now + .seconds(Self.secondsPerRequest)
    state.withLock { state in
      // The first byte of an accepted connection does not begin its time again.
      guard state.entries[connection.id]?.deadline == nil else { return }
      state.entries[connection.id] = Entry(connection: connection, deadline: deadline)
      state.countInFlight += 1
    }
  }

  func markIdle(_ connection: Connection) {
    state.withLock { state in
      guard state.entries[connection.id]?.deadline != nil else { return }
      state.entries[connection.id]?.deadline = nil
      state.countInFlight -= 1
    }
  }

  func connection(_ id: UInt64) -> Connection? { state.withLock { $0.entries[id]?.connection } }

  func remove(_ connection: Connection) {
    state.withLock { state in
      let entry = state.entries.removeValue(forKey: connection.id)
      if entry?.deadline != nil { state.countInFlight -= 1 }
    }
  }

  /// Cuts off every connection whose time is over.
  func cutOffExpired(now: ContinuousClock.Instant) {
    state.withLock { state in
      for entry in state.entries.values {
        if let deadline = entry.deadline, deadline <= now { entry.connection.cutOff() }
      }
    }
  }

  /// Cuts off every connection that is kept without a request.
  func cutOffIdle() {
    state.withLock { state in
      for entry in state.entries.values where entry.deadline == nil { entry.connection.cutOff() }
    }
  }
}
