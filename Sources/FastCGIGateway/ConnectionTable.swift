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

  private let entries = Mutex<[UInt64: Entry]>([:])

  var count: Int { entries.withLock { $0.count } }

  /// How many have a request on its way.
  var countInFlight: Int { entries.withLock { $0.values.count { $0.deadline != nil } } }

  /// Begins the time of a request on this connection, which may be new to the table.
  func startRequest(on connection: Connection) {
    let deadline = ContinuousClock.now + .seconds(Self.secondsPerRequest)
    entries.withLock { entries in
      // The first byte of an accepted connection does not begin its time again.
      guard entries[connection.id]?.deadline == nil else { return }
      entries[connection.id] = Entry(connection: connection, deadline: deadline)
    }
  }

  func markIdle(_ connection: Connection) {
    entries.withLock { $0[connection.id]?.deadline = nil }
  }

  func connection(_ id: UInt64) -> Connection? { entries.withLock { $0[id]?.connection } }

  func remove(_ connection: Connection) {
    _ = entries.withLock { $0.removeValue(forKey: connection.id) }
  }

  /// Cuts off every connection whose time is over.
  func cutOffExpired(now: ContinuousClock.Instant = .now) {
    entries.withLock { entries in
      for entry in entries.values {
        if let deadline = entry.deadline, deadline <= now { entry.connection.cutOff() }
      }
    }
  }

  /// Cuts off every connection that is kept without a request.
  func cutOffIdle() {
    entries.withLock { entries in
      for entry in entries.values where entry.deadline == nil { entry.connection.cutOff() }
    }
  }
}
