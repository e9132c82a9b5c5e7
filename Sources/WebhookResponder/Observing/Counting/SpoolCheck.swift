internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import Synchronization
internal import WebhookConfiguration
internal import WebhookCore

/// Says whether each spool could take an event now, to somebody who does not wait for a disk that
/// does not answer: a thread of its own looks.
///
/// Unchecked because the other properties are only touched while `request` is locked.
final class SpoolCheck: @unchecked Sendable {
  /// What each instance's spool lacks; absent if it lacks nothing.
  typealias Problems = [InstanceName: SpoolError]

  private static let longestWait = Duration.milliseconds(500)
  private static let microsecondsBetweenLooks: UInt32 = 1_000

  private let current: CurrentSnapshot
  private let request = ConditionVariable()
  private var requested = 0
  private var finished = 0
  private var problems: Problems = [:]
  /// When the look that is under way began.
  private var began: ContinuousClock.Instant?

  init(_ current: CurrentSnapshot) {
    self.current = current
  }

  func start() throws(SystemError) {
    try startThread { [self] in
      while true { look(atRequest: nextRequest()) }
    }
  }

  /// - Returns: nil, and for how long that has been so, if the disk does not answer.
  func now() -> (Problems?, silence: Duration) {
    request.lock()
    requested += 1
    let number = requested
    request.unlock()
    request.signal()
    let asked = ContinuousClock.now
    while true {
      request.lock()
      let (isDone, problems, began) = (finished >= number, self.problems, self.began)
      request.unlock()
      let now = ContinuousClock.now
      if isDone { return (problems, .zero) }
      if now - asked >= Self.longestWait { return (nil, now - (began ?? asked)) }
      usleep(Self.microsecondsBetweenLooks)
    }
  }

  private func nextRequest() -> Int {
    request.lock()
    defer { request.unlock() }
    while requested == finished { request.wait() }
    began = .now
    return requested
  }

  private func look(atRequest number: Int) {
    let snapshot = current.value
    var problems: Problems = [:]
    for (name, spool) in snapshot.spools {
      do throws(SpoolError) {
        try spool.checkHealth(minimumFreeBytes: snapshot.settings.minimumFreeBytes)
      } catch {
        problems[name] = error
      }
    }
    request.lock()
    (finished, self.problems, began) = (number, problems, nil)
    request.unlock()
  }
}
