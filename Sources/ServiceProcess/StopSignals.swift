internal import Glibc
package import LinuxSystem

/// SIGTERM, SIGINT, SIGHUP and SIGQUIT as requests to stop. The first: what is in hand may finish,
/// for some time. The second: it is ended. For the thread that waits.
package final class StopSignals {
  package static let all = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]
  private static let timeToFinish = Duration.seconds(30)

  package let request = StopRequest()
  /// Called when the first has come.
  package var report: () -> Void = {}
  private let signals: SignalDescriptor
  private let now: () -> SuspendingClock.Instant
  private var endBy: SuspendingClock.Instant?

  /// Blocks the signals in this thread and in those that it starts from now on. A signal that was
  /// ignored when the program was started stays ignored, as nohup(1) and the background of a script
  /// want it; SIGTERM never is.
  /// - Parameter now: the time that the time to finish is measured by. It does not run while the
  ///   machine sleeps.
  package init(
    now: @escaping () -> SuspendingClock.Instant = { .now }
  ) throws(SystemError) {
    self.now = now
    signals = try SignalDescriptor(Self.all.filter { $0 == SIGTERM || !isIgnored($0) })
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
        endBy = now() + Self.timeToFinish
        report()
      }
    }
    if let endBy, now() >= endBy { request.endWork() }
  }

  /// Waits until the descriptor takes bytes, for nobody may read what is written: false if the work
  /// is to end first.
  package func mayWrite(to descriptor: Int32) -> Bool {
    while !isWritable(descriptor, withinMilliseconds: 100) {
      read()
      if request.endsWork { return false }
    }
    return true
  }
}
