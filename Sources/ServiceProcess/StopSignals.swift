internal import CLinux
internal import Glibc

/// SIGTERM and SIGINT as requests to stop. The first: what is in hand may finish, for some time. The
/// second: it is ended. For the thread that waits.
package final class StopSignals {
  private static let timeToFinish = Duration.seconds(30)

  package let request = StopRequest()
  /// Can be read when a signal has come (poll(2)).
  package let descriptor: Int32
  /// Called when the first has come.
  package var report: () -> Void = {}
  private var endBy: ContinuousClock.Instant?

  /// Blocks the signals in this thread and in those that it starts from now on.
  package init() {
    let signals = [SIGTERM, SIGINT]
    descriptor = clinux_signal_descriptor(signals, Int32(signals.count))
  }

  deinit { close(descriptor) }

  /// Makes requests of what has come, and of time that has passed; to be called at least twice a
  /// second.
  package func read() {
    while clinux_read_signal(descriptor) > 0 {
      if endBy != nil {
        request.endWork()
      } else {
        request.make()
        endBy = .now + Self.timeToFinish
        report()
      }
    }
    if let endBy, ContinuousClock.now >= endBy { request.endWork() }
  }
}
