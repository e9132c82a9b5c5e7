internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import Synchronization
internal import WebhookCore

/// Tells others what a program that drains the spool has done, and what waits for it: node_exporter,
/// by a file, and the service manager. A thread of its own does so: no event waits for a disk or for
/// the look at what waits.
///
/// That look goes through the spool's folders, not through the queue: what the queue knows is of its
/// last look, and it looks for nothing while the target takes no events or the spool cannot be used,
/// which is when the number counts.
final class ConsumerReport: Sendable {
  private static let timeBetweenReports = Duration.seconds(10)
  private static let timeBetweenNotices = Duration.seconds(5)
  /// A look at a million names takes a second. So it takes a hundredth of the time at most.
  private static let restAfterLook = 100
  /// The end of the program waits for the last report.
  private static let millisecondsAtEnd: Int32 = 2_000

  private let first: ConsumerNumbers
  private let settled: SettledEvents
  private let isWanted: @Sendable (InstanceName) -> Bool
  private let file: MetricsFile?
  private let manager: ServiceManager?
  private let log: DrainingReport
  private let end: WakeUp
  private let hasEnded: WakeUp

  /// Writes the file for the first time.
  /// - Parameters:
  ///   - settled: what is counted.
  ///   - manager: nil if it is told nothing.
  /// - Throws: `CommandError` if the file cannot be written, and nothing but a change of the
  ///   program's surroundings would mend that; `SystemError`.
  init(
    _ first: ConsumerNumbers, _ settled: SettledEvents,
    of isWanted: @escaping @Sendable (InstanceName) -> Bool, to file: MetricsFile?,
    _ manager: ServiceManager?, log: DrainingReport
  ) throws {
    (self.first, self.settled, self.isWanted) = (first, settled, isWanted)
    (self.file, self.manager, self.log) = (file, manager, log)
    end = try WakeUp()
    hasEnded = try WakeUp()
    do throws(SystemError) {
      try file?.replace(with: first.metrics(now: .now()))
    } catch {
      guard error.isLackOfSpace else { throw CommandError(cannotWriteMetrics: error) }
    }
  }

  /// Starts the thread.
  func start() throws(SystemError) {
    try startThread { [self] in
      var round = Round(self)
      while !isReadable(end.descriptor, withinMilliseconds: 500) { round.step() }
      round.finish()
      hasEnded.signal()
    }
  }

  /// Has the last report written, and waits for that, but not for a disk that hangs.
  func finish() {
    end.signal()
    _ = isReadable(hasEnded.descriptor, withinMilliseconds: Self.millisecondsAtEnd)
  }

  // MARK: The thread

  private struct Round {
    private let report: ConsumerReport
    private var numbers: ConsumerNumbers
    private var nextLook = SuspendingClock.now
    private var nextReport = SuspendingClock.now
    private var nextNotice = SuspendingClock.now
    private var lastSentence: String?
    /// Whether the file could not be written the last time.
    private var isFailing = false

    init(_ report: ConsumerReport) {
      self.report = report
      numbers = report.first
    }

    mutating func step() {
      if SuspendingClock.now >= nextLook { look() }
      numbers.settled = report.settled.counts
      if SuspendingClock.now >= nextReport { write() }
      if SuspendingClock.now >= nextNotice { notify() }
    }

    mutating func finish() {
      // The end of the program may not wait for the look.
      numbers.settled = report.settled.counts
      write()
      look()
      write()
    }

    private mutating func look() {
      // Nobody waits for an event that was given up.
      guard numbers.consumer.work == .handling else { return }
      let begin = SuspendingClock.now
      do throws(SpoolError) {
        let oldest = try SpoolReader(path: numbers.spool).oldestWaiting(where: report.isWanted)
        numbers.waiting = oldest.map { .since($0) } ?? .none
      } catch {
        // The thread that handles events says why.
        numbers.waiting = .unknown
      }
      let now = SuspendingClock.now
      nextLook =
        now + max((now - begin) * ConsumerReport.restAfterLook, ConsumerReport.timeBetweenReports)
    }

    private mutating func write() {
      guard let file = report.file else { return }
      do throws(SystemError) {
        try file.replace(with: numbers.metrics(now: .now()))
        if isFailing {
          report.log.write(LogLine(.notice, "the metrics file is written again"))
        }
        isFailing = false
      } catch {
        if !isFailing {
          report.log.write(
            LogLine(
              .error, "the metrics file cannot be written",
              [
                "file": .text(error.path), "call": .text(error.call.rawValue),
                "problem": .text(error.reason), "hint": .text(error.metricsRemedy),
              ]))
        }
        isFailing = true
      }
      nextReport = .now + ConsumerReport.timeBetweenReports
    }

    private mutating func notify() {
      guard let manager = report.manager else { return }
      let sentence = numbers.sentence(report.log.problems.last, now: .now())
      guard sentence != lastSentence else { return }
      manager.notify(.status(sentence))
      lastSentence = sentence
      nextNotice = .now + ConsumerReport.timeBetweenNotices
    }
  }
}

extension SystemError {
  /// It may end by itself, and is no reason not to start.
  fileprivate var isLackOfSpace: Bool { [ENOSPC, EDQUOT].contains(errno) }

  fileprivate var metricsRemedy: String {
    switch errno {
    case ENOENT, ENOTDIR: "make the file's folder"
    case EACCES, EPERM: "let user \(geteuid()) write in the file's folder"
    case EROFS: "name the file's folder in ReadWritePaths= of the unit, if this is a service"
    case EISDIR: "name a file, not a folder"
    case ENOSPC, EDQUOT: "make space in the file system of the file's folder"
    default: "see that the file can be made"
    }
  }
}

extension CommandError {
  fileprivate init(cannotWriteMetrics error: SystemError) {
    let reason = CommandError(cannotWrite: error)
    self.init(
      "the metrics file cannot be written: \(reason.description); \(error.metricsRemedy)",
      exitCode: reason.exitCode)
  }
}
