internal import Synchronization

/// How many events a program has settled, and how. Each `ClaimedEvent` counts itself, so that no way
/// to handle events can forget to. Any thread may count and look.
package final class SettledEvents: Sendable {
  package struct Counts: Equatable, Sendable {
    /// Those that went to `done`, or of which somebody was told.
    package var handled = 0
    /// How often one went to `defer`, or telling of one failed.
    package var putOff = 0
    /// Those that went to `dead`, by how their last attempt ended.
    package var givenUp: [AttemptRecord.Ending.Kind: Int] = [:]

    package init() {}
  }

  private let state = Mutex(Counts())

  package init() {}

  package var counts: Counts { state.withLock { $0 } }

  func countHandled() { state.withLock { $0.handled += 1 } }

  func countPutOff() { state.withLock { $0.putOff += 1 } }

  func countGivenUp(_ record: AttemptRecord) {
    state.withLock { $0.givenUp[record.endingKind, default: 0] += 1 }
  }
}
