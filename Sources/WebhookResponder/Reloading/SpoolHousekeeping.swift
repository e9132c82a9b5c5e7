internal import EventSpool
internal import ServiceProcess
internal import WebhookCore

/// Looks after every spool of the snapshot in force. `step` is to be called about once a second, by
/// one thread.
struct SpoolHousekeeping {
  private static let stepsBetweenRemovals = 600

  private let current: CurrentSnapshot
  private let log: Log
  private var tasks: [InstanceName: (spool: InstanceSpool, housekeeping: Housekeeping)] = [:]
  private var failures: [InstanceName: SpoolError] = [:]
  /// Until kept requests that are too old are removed; some minutes more or less do not count.
  private var stepsUntilRemoval = 0

  init(_ current: CurrentSnapshot, log: Log) {
    self.current = current
    self.log = log
  }

  mutating func step() {
    let spools = current.value.spools
    // An instance that a reload took away, or opened again, is looked after no longer.
    tasks = tasks.filter { spools[$0.key] === $0.value.spool }
    for (name, spool) in spools {
      var task = tasks[name] ?? (spool, Housekeeping(of: spool))
      var failure: SpoolError?
      do throws(SpoolError) {
        try spool.requireInPlace()
        try task.housekeeping.step(now: .now())
      } catch {
        failure = error
      }
      tasks[name] = task
      report(failure, of: name)
    }
    removeOldRequests()
  }

  /// Also when no more are to be kept. A file that cannot be removed is tried again.
  private mutating func removeOldRequests() {
    stepsUntilRemoval -= 1
    guard stepsUntilRemoval <= 0 else { return }
    stepsUntilRemoval = Self.stepsBetweenRemovals
    try? RefusedRequests(inSpool: current.value.spoolPath).removeOld(now: .now())
  }

  /// One line when it begins, or changes, and one when it ends.
  private mutating func report(_ failure: SpoolError?, of name: InstanceName) {
    guard failures[name] != failure else { return }
    failures[name] = failure
    guard let failure else {
      return log.write(.notice, "spool works again", ["instance": .text(name.description)])
    }
    let refusal = failure.refusal
    var line = LogLine(
      .error, "housekeeping failed",
      ["instance": .text(name.description), "code": .text(refusal.reason.codeWord)])
    line.add(refusal)
    log.write(line)
  }

  /// One step more, before the process ends: what was published stays known.
  static func finish(_ snapshot: Snapshot, log: Log) {
    for (name, spool) in snapshot.spools {
      var housekeeping = Housekeeping(of: spool)
      do throws(SpoolError) {
        try housekeeping.step(now: .now())
      } catch {
        log.write(
          .error, "an event may be stored a second time: \(error.explanation)",
          ["instance": .text(name.description)])
      }
    }
  }
}
