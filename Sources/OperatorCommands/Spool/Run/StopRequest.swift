internal import Synchronization

/// Whether the runner is asked to stop. Any thread may ask and look.
final class StopRequest: Sendable {
  private let level = Atomic(0)

  /// No further event is claimed.
  var isMade: Bool { level.load(ordering: .acquiring) > 0 }
  /// What runs is ended, too.
  var endsHandlers: Bool { level.load(ordering: .acquiring) > 1 }

  func make() { _ = level.max(1, ordering: .acquiringAndReleasing) }
  func endHandlers() { _ = level.max(2, ordering: .acquiringAndReleasing) }
}
