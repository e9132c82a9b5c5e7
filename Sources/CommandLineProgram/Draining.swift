package import ArgumentParser
package import EventSpool
internal import Glibc
internal import LinuxSystem
package import ServiceProcess
internal import WebhookCore

/// The options of a program that drains the spool.
package struct DrainingOptions: ParsableArguments {
  @OptionGroup package var spool: SpoolOptions

  @Flag(help: "Wait for further events when there are none.")
  package var follow = false

  @Flag(help: "Only the oldest event, to try it out.")
  package var once = false

  package init() {}

  package func validate() throws {
    guard !(follow && once) else { throw ValidationError("Pass --follow or --once, not both.") }
  }
}

/// What all programs that drain the spool have in common: the queue, the limits, the bar, the stop,
/// the log, the exit code. For one thread; its `report` is for any.
package final class Draining {
  package let signals: StopSignals
  package let report: DrainingReport
  package let isFollowing: Bool
  private let queue: WatchedQueue
  /// How many events may still be begun.
  private var left: Int
  private var isComplete = true

  /// - Parameters:
  ///   - signals: made before the first thread.
  ///   - neededDescriptors: how many files may be open at once.
  /// - Throws: `CommandError`, `ConfigurationError` or `SpoolError`.
  package init(
    _ options: DrainingOptions, _ signals: StopSignals, neededDescriptors: Int, log: Log
  ) throws {
    guard raisedDescriptorLimit() >= neededDescriptors else {
      throw CommandError.system(
        "the limit on open files is too low: raise it to \(neededDescriptors) (LimitNOFILE)")
    }
    self.signals = signals
    isFollowing = options.follow
    left = options.once ? 1 : .max
    queue = try WatchedQueue(ofSpool: options.spool.path(), isWanted: options.spool.isWanted)
    if let instance = options.spool.instance, queue.isWithoutInstances {
      throw CommandError.noInput("no instance called \(printable(instance)) in the spool")
    }
    let backlog = options.follow || options.once ? 0 : try queue.backlog()
    report = DrainingReport(log: log, bar: ProgressBar(total: backlog))
    queue.report = { [unowned self] error in
      isComplete = false
      report.leftOut(error)
    }
  }

  /// Runs `body` to its end, which the service manager is told of.
  /// - Throws: exit code 1 if something was left and nobody waits for it.
  package func run(_ body: () throws -> Void) throws {
    let manager = ServiceManager(environment: .ofProcess())
    manager.notify(.ready(status: "draining the spool"))
    defer {
      report.bar.finish()
      manager.notify(.stopping)
    }
    try body()
    if !isComplete && !isFollowing { throw ExitCode.failure }
  }

  // MARK: Events

  /// Whether a further event may be begun.
  package var mayBegin: Bool { !signals.request.isMade && left > 0 }

  /// Claims the next event, if one may be begun.
  /// - Returns: nil if there is none just now.
  package func next() throws(SpoolError) -> ClaimedEvent? {
    guard mayBegin, let event = try queue.next(now: .now(), isPatient: isFollowing) else {
      return nil
    }
    left -= 1
    return event
  }

  /// The event was given back to the queue: it does not count.
  package func countAsNotBegun() { left += 1 }

  /// Not every event has been handled.
  package func markIncomplete() { isComplete = false }

  /// The event could not be moved on from `cur`, and is not claimed again.
  package func leaveOut(_ event: ClaimedEvent) {
    markIncomplete()
    queue.leaveOut(event)
  }

  // MARK: Waiting

  /// Waits for a signal, a file descriptor of the caller's, a new event, or half a second.
  package func wait(for descriptors: [Int32] = [], orForEvents: Bool = true) {
    let events = orForEvents ? queue.descriptor : -1
    waitUntilReadable([signals.descriptor, events] + descriptors, milliseconds: 500)
    if orForEvents { queue.clear() }
  }
}

/// What became of an event.
package enum EventResult: String, Sendable {
  case done, dead, released, stuck
  case putOff = "put-off"

  fileprivate var level: LogLine.Level {
    switch self {
    case .done: .info
    case .putOff, .released: .warning
    case .dead, .stuck: .error
    }
  }
}

/// What a program that drains the spool says: lines of the log, above the bar. Any thread may.
package struct DrainingReport: Sendable {
  package let log: Log
  package let bar: ProgressBar

  package func write(_ line: LogLine) {
    bar.interrupted { log.write(line) }
  }

  package func leftOut(_ error: SpoolError) {
    write(LogLine(.error, "left out: \(error.message)"))
  }

  /// - Parameter running: how many are in hand, if that is a number.
  package func stopping(running: Int? = nil) {
    write(
      LogLine(
        .notice, "stopping",
        [
          "running": running.map { .number($0) },
          "hint": .text("a second signal ends what runs at once"),
        ]))
  }

  /// The event's file holds no event, and it was given up.
  package func noEvent(_ event: ClaimedEvent) {
    bar.advance()
    write(
      LogLine(
        EventResult.dead.level, "",
        [
          "result": .text(EventResult.dead.rawValue), "instance": .text("\(event.instance)"),
          "file": .text(event.fileName), "problem": .text("no event"),
        ]))
  }

  /// One event's result. If a bar is shown, it says enough of what went well.
  package func result(
    _ result: EventResult, of event: ClaimedEvent, id: String, _ ending: AttemptRecord.Ending,
    attempt: Int? = nil, time: Duration? = nil
  ) {
    if bar.isShown && result == .done { return }
    let (name, value) = ending.field
    write(
      LogLine(
        result.level, "",
        [
          "result": .text(result.rawValue), "instance": .text("\(event.instance)"),
          "id": .text(id), name: .text(value), "attempt": attempt.map { .number($0) },
          "ms": time.map { .number($0.milliseconds) },
        ]))
  }
}
