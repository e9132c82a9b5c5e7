internal import Synchronization

/// Whether a program is asked to stop. Any thread may ask and look.
package final class StopRequest: Sendable {
  private let level = Atomic(0)

  /// No further event is to be claimed.
  package var isMade: Bool { level.load(ordering: .acquiring) > 0 }
  /// What is in hand is to be ended, too.
  package var endsWork: Bool { level.load(ordering: .acquiring) > 1 }

  package func make() { _ = level.max(1, ordering: .acquiringAndReleasing) }
  package func endWork() { _ = level.max(2, ordering: .acquiringAndReleasing) }
}
