internal import Glibc
package import LinuxSystem

/// SIGTERM and SIGINT as requests to stop. The first: what is in hand may finish, for some time.
/// The second: it is ended. For the thread that waits.
package final class StopSignals {
  private static let timeToFinish = Duration.seconds(30)

  package let request = StopRequest()
  /// Called when the first has come.
  package var report: () -> Void = {}
  private let signals: SignalDescriptor
  private var endBy: ContinuousClock.Instant?

  /// Blocks the signals in this thread and in those that it starts from now on.
  package init() throws(SystemError) {
    signals = try SignalDescriptor([SIGTERM, SIGINT])
  }

  /// Can be read when a signal has come (poll(2)).
  package var descriptor: Int32 { signals.descriptor }

  /// Turns received signals, and an expired time to finish, into stop requests; to be called at
  /// least twice a second.
  package func read() {
    while signals.next() != nil {
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
