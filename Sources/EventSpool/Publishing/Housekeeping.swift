internal import Glibc
package import WebhookCore

/// The work that a spool needs besides publishing, in bounded steps, off the request path. Not to
/// be shared between threads.
package struct Housekeeping {
  private static let namesPerStep = 500
  /// Counted in steps, not by a clock that can jump.
  private static let stepsBetweenLooks = 600

  private let spool: InstanceSpool
  private var stepsUntilLook = 0
  /// Why something in an old hour could not be removed at the last look.
  private var leftBehind: SpoolError?

  package init(of spool: InstanceSpool) {
    self.spool = spool
  }

  /// To be called about once a second: makes the names in `ids/` durable; tries the disk again if a
  /// failed sync has closed the spool; forgets hours that are long past.
  /// - Throws: what did not work this time; it is tried again in the next step.
  package mutating func step(now: Timestamp) throws(SpoolError) {
    if let closing = spool.failures.closing {
      try spool.root.tryOut(failures: spool.failures)
      spool.failures.reopen(closing)
    }
    try spool.syncMemory()
    try forgetOldHours(now: now.seconds)
  }

  /// Removes the names in hours that lie more than eight days behind both the clock and the newest
  /// hour: a clock that jumps forward forgets nothing.
  private mutating func forgetOldHours(now: Int64) throws(SpoolError) {
    if stepsUntilLook == 0 {
      let result = try forgetSome(now: now)
      leftBehind = result.failure
      if result.isDone { stepsUntilLook = Self.stepsBetweenLooks }
    } else {
      stepsUntilLook -= 1
    }
    if let leftBehind { throw leftBehind }
  }

  /// Forgets every hour that may be forgotten, however long it takes.
  /// - Throws: why something could not be removed; everything else is.
  package func forgetAll(now: Timestamp) throws(SpoolError) {
    while true {
      let result = try forgetSome(now: now.seconds)
      guard result.isDone else { continue }
      if let failure = result.failure { throw failure }
      return
    }
  }

  /// - Returns: whether nothing is left that can be forgotten, and why the first of the rest
  ///   cannot.
  private func forgetSome(
    now: Int64
  ) throws(SpoolError) -> (isDone: Bool, failure: SpoolError?) {
    let hours = try spool.hours.ids.names().compactMap { name in
      CalendarDate.seconds(atBasicHour: name).map { (name: name, start: $0) }
    }
    guard let newest = hours.map(\.start).max() else { return (true, nil) }
    let limit = min(now, newest) - Freshness.memorySeconds
    var budget = Self.namesPerStep
    var failure: SpoolError?
    for hour in hours where hour.start + 3_600 <= limit {
      do throws(SpoolError) {
        try forget(hour.name, budget: &budget)
      } catch {
        failure = failure ?? error
      }
      if budget <= 0 { return (false, failure) }
    }
    return (true, failure)
  }

  /// Another process may be at it, too: what is gone already is as good.
  private func forget(_ hour: String, budget: inout Int) throws(SpoolError) {
    let folder: Directory
    do throws(SpoolError) {
      folder = try spool.hours.ids.directory(hour)
    } catch  where error.errno == ENOENT {
      return
    }
    let (removed, failure) = try folder.removeNames(atMost: budget)
    budget -= removed
    if let failure { throw failure }
    guard budget > 0 else { return }
    spool.hours.forget(hour)
    do throws(SpoolError) {
      try spool.hours.ids.removeDirectory(hour)
    } catch  where error.errno == ENOENT || error.errno == ENOTEMPTY {}
  }
}
