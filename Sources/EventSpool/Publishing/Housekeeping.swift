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
    guard stepsUntilLook == 0 else {
      stepsUntilLook -= 1
      return
    }
    if try forgetSome(now: now) { stepsUntilLook = Self.stepsBetweenLooks }
  }

  /// Forgets every hour that may be forgotten, however long it takes.
  package func forgetAll(now: Timestamp) throws(SpoolError) {
    while try !forgetSome(now: now.seconds) {}
  }

  /// - Returns: whether nothing is left to forget.
  private func forgetSome(now: Int64) throws(SpoolError) -> Bool {
    let hours = try spool.hours.ids.names().compactMap { name in
      CalendarDate.seconds(atBasicHour: name).map { (name: name, start: $0) }
    }
    guard let newest = hours.map(\.start).max() else { return true }
    let limit = min(now, newest) - Freshness.memorySeconds
    var budget = Self.namesPerStep
    for hour in hours where hour.start + 3_600 <= limit {
      try forget(hour.name, budget: &budget)
      if budget <= 0 { return false }
    }
    return true
  }

  /// Another process may be at it, too: what is gone already is as good.
  private func forget(_ hour: String, budget: inout Int) throws(SpoolError) {
    let folder: Directory
    do throws(SpoolError) {
      folder = try spool.hours.ids.directory(hour)
    } catch  where error.errno == ENOENT {
      return
    }
    let names = try folder.names(atMost: budget)
    for name in names { try folder.removeIfThere(name) }
    budget -= names.count
    guard budget > 0 else { return }
    spool.hours.forget(hour)
    do throws(SpoolError) {
      try spool.hours.ids.removeDirectory(hour)
    } catch  where error.errno == ENOENT || error.errno == ENOTEMPTY {}
  }
}
