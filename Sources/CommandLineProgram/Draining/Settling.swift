package import EventSpool
internal import Glibc
internal import ServiceProcess
internal import Synchronization

/// Records what became of events, and does not give up if that cannot be recorded just now: a full
/// disk, a folder that somebody else owns. The event stays claimed, its handling is not begun again,
/// and nothing else is to begin until it is recorded. Any thread may use it.
package final class Settling: Sendable {
  private static let pauses = Backoff.ofSpools
  /// How long a program tries that nobody expects to wait.
  private static let timeWithoutFollowing = Duration.seconds(30)

  private let stop: StopRequest
  private let isFollowing: Bool
  private let report: DrainingReport
  private let unsettled = Atomic(0)

  init(_ stop: StopRequest, isFollowing: Bool, _ report: DrainingReport) {
    self.stop = stop
    self.isFollowing = isFollowing
    self.report = report
  }

  /// Whether there is something that could not be recorded yet.
  package var isStuck: Bool { unsettled.load(ordering: .relaxed) > 0 }

  /// - Parameters:
  ///   - wait: waits for some milliseconds; a caller that reads signals does so here.
  ///   - body: may be run several times.
  /// - Throws: what concerns this event alone; or what still stands in the way when we are asked to
  ///   end, or after 30 s if we do not follow the spool: the event then stays in `cur`.
  package func settle<Result>(
    _ event: ClaimedEvent, wait: (Int) -> Void = { usleep(UInt32($0) * 1_000) },
    _ body: () throws(SpoolError) -> Result
  ) throws(SpoolError) -> Result {
    let begin = SuspendingClock.now
    var failures = 0
    while true {
      do throws(SpoolError) {
        let result = try body()
        if failures > 0 {
          endTries(event)
          report.settledAtLast(event)
        }
        return result
      } catch {
        if failures == 0 { unsettled.add(1, ordering: .relaxed) }
        failures += 1
        let isOver =
          stop.endsWork || (!isFollowing && SuspendingClock.now - begin > Self.timeWithoutFollowing)
        guard error.concern != .event, !isOver else {
          endTries(event)
          if error.concern != .event { report.leftUnsettled(event) }
          throw error
        }
        let pause = Self.pauses.seconds(after: failures, jitter: 0.5)
        if isWorthALine(failures) { report.unsettled(event, error, pause: pause) }
        pass(seconds: pause, wait)
        event.reopenFolders()
      }
    }
  }

  private func endTries(_ event: ClaimedEvent) {
    unsettled.subtract(1, ordering: .relaxed)
    report.endUnsettled(event)
  }

  private func pass(seconds: Double, _ wait: (Int) -> Void) {
    let end = SuspendingClock.now + .seconds(seconds)
    while SuspendingClock.now < end, !stop.endsWork { wait(200) }
  }
}
