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

  @Flag(help: "Handle only the oldest event, to try the rest out.")
  package var once = false

  @Flag(help: "Report only problems: no bar, no summary, no line for what goes well.")
  var quiet = false

  @Option(
    help: ArgumentHelp(
      """
      A file NAME.prom for node_exporter's textfile collector: what was handled, put off and given \
      up, and how long the oldest event has waited. It is written every 10 seconds and at the end. \
      Each program needs a file of its own.
      """,
      valueName: "path"))
  package var metricsFile: String?

  package init() {}

  package func validate() throws {
    guard !(follow && once) else { throw ValidationError("Pass --follow or --once, not both.") }
    guard metricsFile?.hasSuffix(MetricsFile.suffix) ?? true else {
      throw ValidationError(
        "--metrics-file must end in \(MetricsFile.suffix): node_exporter reads no other files.")
    }
  }
}

/// What all programs that drain the spool have in common: the queue, the limits, the bar, the stop,
/// the log, the numbers, the exit code. For one thread; its `report` and `settling` are for any.
package final class Draining {
  package let signals: StopSignals
  package let report: DrainingReport
  package let settling: Settling
  package let isFollowing: Bool
  private let consumer: Consumer
  private let isQuiet: Bool
  private let queue: WatchedQueue
  private let manager = ServiceManager(environment: .ofProcess())
  /// Nil if nobody asks for it.
  private let numbers: ConsumerReport?
  /// After so many attempts an event is given up; nil: never.
  private let maximumAttempts: Int?
  /// How many events may still be begun.
  private var left: Int
  private var isComplete = true
  /// How often in a row the spool could not be used, and until when it is left alone.
  private var failures = 0
  private var resume = SuspendingClock.now

  /// - Parameters:
  ///   - consumer: which program it is.
  ///   - signals: made before the first thread.
  ///   - neededDescriptors: how many files may be open at once.
  ///   - maximumAttempts: for events whose handling ends the program that handles them.
  /// - Throws: `CommandError`, `ConfigurationError`, `SpoolError` or `SystemError`.
  package init(
    _ consumer: Consumer, _ options: DrainingOptions, _ signals: StopSignals,
    neededDescriptors: Int, maximumAttempts: Int?, log: Log
  ) throws {
    guard raisedDescriptorLimit() >= neededDescriptors else {
      throw CommandError.system(
        "the limit on open files is too low: raise it to \(neededDescriptors) (LimitNOFILE)")
    }
    self.signals = signals
    self.consumer = consumer
    isQuiet = options.quiet
    self.maximumAttempts = maximumAttempts
    isFollowing = options.follow
    left = options.once ? 1 : .max
    let spool = try options.spool.path()
    let queue = WatchedQueue(
      ofSpool: spool, for: consumer.work, isWanted: options.spool.isWanted)
    self.queue = queue
    // What is left out from the beginning is said as soon as there is a log.
    var leftOut: [SpoolError] = []
    queue.report = { leftOut.append($0) }
    do {
      try queue.refresh()
      if let instance = options.spool.instance, queue.isWithoutInstances {
        throw CommandError.noInput("no instance called \(printable(instance)) in the spool")
      }
    } catch let error as SpoolError where options.follow && !error.needsRestart {
      // Who waits for events waits for their spool, too: `next` says why.
    }
    let bar = try ProgressBar(
      isWanted: !options.quiet && !options.follow && !options.once,
      total: queue.backlog(now: .now()))
    report = DrainingReport(log: log, bar: bar, isQuiet: options.quiet)
    settling = Settling(signals.request, isFollowing: options.follow, report)
    let isStatusWanted = options.follow && manager.isThere
    numbers =
      options.metricsFile == nil && !isStatusWanted
      ? nil
      : try ConsumerReport(
        ConsumerNumbers(
          consumer, spool: spool, instance: options.spool.instance, start: .now()),
        queue.settled, of: { [spool = options.spool] in spool.isWanted($0) },
        to: options.metricsFile.map(MetricsFile.init(path:)), isStatusWanted ? manager : nil,
        log: report)
    queue.report = { [unowned self] error in
      isComplete = false
      report.leftOut(error)
    }
    leftOut.forEach(queue.report)
  }

  /// Runs `body` to its end, which the service manager is told of.
  /// - Throws: exit code 1 if something was left and nobody waits for it.
  package func run(_ body: () throws -> Void) throws {
    manager.notify(.ready(status: "draining the spool"))
    try numbers?.start()
    let begin = SuspendingClock.now
    defer {
      report.bar.finish()
      if isErrorTerminal && !isQuiet { printSummary(.now - begin) }
      manager.notify(.stopping)
      numbers?.finish()
    }
    try body()
    // What was not begun was not handled.
    if signals.request.isMade { markIncomplete() }
    if !isComplete && !isFollowing { throw ExitCode.failure }
  }

  private func printSummary(_ time: Duration) {
    Log.flush()
    let seconds = time.components.seconds
    printError(
      "\(queue.settled.counts.words(of: consumer)) in "
        + (seconds == 0 ? "less than a second" : Age(seconds: seconds).words))
  }

  /// How many events are new; nil if the spool does not tell.
  package func backlog() -> Int? { try? queue.backlog(now: .now()) }

  // MARK: Events

  /// Whether a further event may be begun, now or later.
  package var mayBegin: Bool { !signals.request.isMade && left > 0 }

  /// Claims the next event, if one may be begun. An event that its last consumer left behind counts
  /// as tried, and is put off or given up first.
  /// - Returns: nil if there is none just now.
  /// - Throws: what is wrong with the spool, if nobody waits for that to be mended.
  package func next() throws(SpoolError) -> ClaimedEvent? {
    // Without a look, nothing is known of the spool.
    guard mayBegin, !settling.isStuck, SuspendingClock.now >= resume else { return nil }
    do throws(SpoolError) {
      let event = try claimNext()
      if failures > 0 {
        failures = 0
        report.usableAgain()
      }
      return event
    } catch  where isFollowing && error.concern != .event {
      failures += 1
      let pause = Backoff.ofSpools.seconds(after: failures, jitter: 0.5)
      resume = .now + .seconds(pause)
      if isWorthALine(failures) { report.unusable(error, pause: pause) }
      return nil
    }
  }

  private func claimNext() throws(SpoolError) -> ClaimedEvent? {
    while true {
      // Many may be left out, or counted as tried, before there is one.
      signals.read()
      guard mayBegin, !settling.isStuck else { return nil }
      guard let event = try queue.next(now: .now(), isPatient: isFollowing) else { return nil }
      do throws(SpoolError) {
        if event.wasInHand {
          try countAsTried(event)
          continue
        }
        if !event.isGivenUp { try event.requireToday(now: .now()) }
      } catch  where error.concern == .event {
        leaveOut(event, error)
        continue
      } catch {
        // An attempt that is not counted yet must not be forgotten.
        if !event.wasInHand { try? event.release() }
        throw error
      }
      left -= 1
      return event
    }
  }

  /// What its handling did to the program that handled it is not known. Others do not wait for it.
  private func countAsTried(_ event: ClaimedEvent) throws(SpoolError) {
    let now = Timestamp.now()
    var record = event.record
    record.attempts += 1
    record.ending = .lost
    record.lastAttempt = now
    let isLast = maximumAttempts.map { record.attempts >= $0 } ?? false
    record.nextAttempt =
      isLast
      ? nil
      : Backoff.ofEvents.time(after: record.attempts, from: now, jitter: .random(in: 0...1))
    try isLast ? event.giveUp(record) : event.putOff(record)
    markIncomplete()
    report.result(
      isLast ? .dead : .putOff, of: event, id: nil, .lost, attempt: record.attempts)
  }

  /// The event was given back to the queue: it does not count.
  package func countAsNotBegun() { left += 1 }

  /// Not every event has been handled.
  package func markIncomplete() { isComplete = false }

  /// The event could not be handled, or what became of it could not be recorded. What is claimed
  /// again, and when, `EventQueue.leaveOut` decides.
  package func leaveOut(_ event: ClaimedEvent, _ error: SpoolError) {
    markIncomplete()
    queue.leaveOut(event)
    report.bar.advance()
    report.leftOut(error)
  }

  // MARK: Waiting

  /// Waits for a signal, a file descriptor of the caller's, a new event, or half a second.
  package func wait(
    for descriptors: [Int32] = [], orForEvents: Bool = true, milliseconds: Int32 = 500
  ) {
    let events = orForEvents ? queue.descriptor : -1
    waitUntilReadable([signals.descriptor, events] + descriptors, milliseconds: milliseconds)
    if orForEvents { queue.clear() }
  }
}

/// Of failures that repeat themselves every few seconds, the first ones, and then fewer and fewer.
func isWorthALine(_ count: Int) -> Bool { count & (count - 1) == 0 || count % 256 == 0 }

extension SpoolError {
  /// Nothing that happens to the spool can mend it.
  fileprivate var needsRestart: Bool {
    switch cause {
    case .foreignOwner, .unknownLayout: true
    default: false
    }
  }
}
