internal import ServiceProcess
internal import Synchronization
internal import WebhookCore

/// What requests leave in the log. A refusal that a stranger can cause leaves a line each up to ten
/// a second for its code word, then one line with their count: nobody can turn the journal over.
final class RequestLog: Sendable {
  private static let linesPerSecond = 10

  private struct Count {
    var lines = 0
    var suppressed = 0
    /// Nil: there was no answer.
    var status: HTTPStatus?
  }

  let log: Log
  private let counters: Counters
  /// By code word, since the last second began.
  private let counts = Mutex<[String: Count]>([:])

  init(_ log: Log, _ counters: Counters) {
    (self.log, self.counters) = (log, counters)
  }

  /// A health check that finds nothing leaves no line, and neither does a look: one comes every few
  /// seconds.
  /// - Parameter slowMilliseconds: a delivery that took so long leaves a warning with the times of
  ///   its steps; 0: none does.
  func write(_ request: DecidedRequest, slowMilliseconds: Int) {
    guard request.outcome != .healthy, request.outcome != .shown, mayWrite(request.outcome) else {
      return
    }
    let isSlow = slowMilliseconds > 0 && request.times.all >= Int64(slowMilliseconds) * 1_000
    log.write(LogLine(request, isSlow: isSlow))
  }

  /// A peer of the socket sent something else than FastCGI, or too much. It leaves a line like a
  /// refusal.
  func malformedRecords() {
    counters.closedMalformedConnection()
    guard mayWrite("malformed-records", nil) else { return }
    log.write(
      .notice, "closed a connection: its peer sent malformed FastCGI records, or too many bytes")
  }

  /// Why nobody decided a delivery.
  enum Undecided: String {
    case expired = "no worker was free in time"
    case noRoom = "too much waits for a worker"
    case unreadable = "libfcgi could not read it: descriptors or memory are short"
  }

  /// A delivery gets no answer.
  func undecided(_ reason: Undecided) {
    counters.wasNotDecided()
    guard mayWrite("undecided", nil) else { return }
    log.write(
      .error, "a delivery got no answer: \(reason.rawValue)",
      ["hint": .text("look at the disk and the limits, then ask the API for what has ended")])
  }

  /// A request had begun and was not complete when its time was over.
  func incomplete() {
    guard mayWrite("incomplete", nil) else { return }
    log.write(.notice, "closed a connection: its request was not complete in time")
  }

  private func mayWrite(_ outcome: Outcome) -> Bool {
    guard case .refused(let refusal) = outcome, let step = refusal.reason.facts.step,
      step.isBeforeSignature
    else { return true }
    return mayWrite(outcome.codeWord, outcome.status)
  }

  private func mayWrite(_ codeWord: String, _ status: HTTPStatus?) -> Bool {
    counts.withLock { counts in
      var count = counts[codeWord] ?? Count()
      defer { counts[codeWord] = count }
      count.status = status
      let isWritten = count.lines < Self.linesPerSecond
      if isWritten { count.lines += 1 } else { count.suppressed += 1 }
      return isWritten
    }
  }

  /// Says how many lines were held back, and begins to count again. To be called once a second.
  func reportSuppressed() {
    let ended = counts.withLock { counts in
      defer { counts = [:] }
      return counts
    }
    for (codeWord, count) in ended.sorted(by: { $0.key < $1.key }) where count.suppressed > 0 {
      counters.suppressed(lines: count.suppressed)
      log.write(
        .warning, "",
        [
          "code": .text(codeWord), "status": count.status.map { .number($0.rawValue) },
          "suppressed": .number(count.suppressed),
        ])
    }
  }
}
