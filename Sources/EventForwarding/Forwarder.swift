internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// Hands the spool's events on to a target, a batch at a time, the oldest first. For one thread; any
/// number of processes may work on one spool.
///
/// As long as the target takes none, events stay where they are, but for those it was tried with.
final class Forwarder {
  struct Options {
    /// Whether it waits for further events when there are none, and for a target that is away.
    let isFollowing: Bool
    let withProof: Bool
    /// At most so many events.
    let limit: Int
  }

  private struct Claim {
    let event: ClaimedEvent
    let consumer: EventConsumer
    let outgoing: OutgoingEvent
    var isSettled = false
  }

  private enum Result: String {
    case done, dead
    case putOff = "put-off"
  }

  /// An event has some kilobytes; this is for those of the largest tokens.
  private static let bytesPerBatch = 4 << 20
  private static let longestPauseSeconds = 60.0
  /// However long a target asks for.
  private static let longestDelaySeconds: Int64 = 86_400

  private let target: any EventTarget
  private let queue: WatchedQueue
  private let signals: StopSignals
  private let options: Options
  private let log: Log
  private let bar: ProgressBar
  private var claims: [Claim] = []
  private var left: Int
  private var isComplete = true
  /// How often in a row the target took none.
  private var failures = 0

  init(
    to target: any EventTarget, from queue: WatchedQueue, _ signals: StopSignals,
    _ options: Options,
    _ log: Log, _ bar: ProgressBar
  ) {
    self.target = target
    self.queue = queue
    self.signals = signals
    self.options = options
    self.log = log
    self.bar = bar
    left = options.limit
  }

  /// Hands on what there is, or what comes until a signal stops it.
  /// - Returns: whether all that was claimed has arrived.
  /// - Throws: `TargetFailure`, `SystemError` of the spool.
  func run() throws -> Bool {
    queue.report = { [self] error in
      isComplete = false
      bar.interrupted { log.write(.error, "left out: \(error.message)") }
    }
    signals.report = { [bar, log] in
      bar.interrupted { log.write(.notice, "stopping hint=\"a second signal ends it at once\"") }
    }
    defer { bar.finish() }
    while !isStopped() && left > 0 {
      do {
        try target.open(signals)
        guard !isStopped() else { break }
        try claimBatch()
        if claims.isEmpty {
          guard options.isFollowing else { break }
          wait(seconds: 0.5, orForEvents: true)
          continue
        }
        try deliver()
      } catch let failure as TargetFailure {
        try releaseClaims()
        guard failure.kind != .interrupted else { break }
        try pause(failure)
      } catch {
        try? releaseClaims()
        throw error
      }
    }
    if !options.isFollowing && signals.request.isMade { isComplete = false }
    return isComplete
  }

  private func isStopped() -> Bool {
    signals.read()
    return signals.request.isMade
  }

  // MARK: A batch

  private func claimBatch() throws(SystemError) {
    var bytes = 0
    // As long as the target takes none, it is tried with one.
    let most = failures > 0 ? 1 : min(target.batchSize, left)
    while claims.count < most, bytes < Self.bytesPerBatch,
      let (event, consumer) = try queue.next(now: .now(), isPatient: options.isFollowing)
    {
      guard let outgoing = OutgoingEvent(line: try event.contents(), withProof: options.withProof)
      else {
        try giveUpWhatIsNoEvent(event, consumer)
        continue
      }
      claims.append(Claim(event: event, consumer: consumer, outgoing: outgoing))
      left -= 1
      bytes += outgoing.json.count
    }
  }

  private func deliver() throws {
    let begin = ContinuousClock.now
    var delivered = 0
    defer {
      if delivered > 0 { failures = 0 }
      reportDelivered(delivered, since: begin)
    }
    try target.deliver(claims.map(\.outgoing), signals) { (index, outcome) throws(SystemError) in
      if case .delivered = outcome { delivered += 1 }
      try settle(index, outcome)
    }
    claims = []
  }

  private func settle(_ index: Int, _ outcome: Outcome) throws(SystemError) {
    claims[index].isSettled = true
    try leavingOut(claims[index].event) { () throws(SystemError) in
      try settle(claims[index], outcome)
    }
    bar.advance()
  }

  /// Where `event` alone cannot be moved on, others do not wait for it.
  private func leavingOut(
    _ event: ClaimedEvent, _ settle: () throws(SystemError) -> Void
  ) throws(SystemError) {
    do throws(SystemError) {
      try settle()
    } catch  where error.concernsOneFile {
      queue.leaveOut(event)
      queue.report(error)
    }
  }

  private func settle(_ claim: Claim, _ outcome: Outcome) throws(SystemError) {
    let now = Timestamp.now()
    var record = claim.event.record
    record.lastAttempt = now
    record.nextAttempt = nil
    switch outcome {
    case .delivered:
      try claim.consumer.finish(claim.event, now: now)
    case .putOff(let ending, let text, let seconds):
      record.deferrals += 1
      (record.ending, record.output) = (ending, beginning(of: text))
      record.nextAttempt = time(after: record.deferrals, now, atLeast: seconds)
      try claim.consumer.putOff(claim.event, record)
      report(.putOff, claim, ending, .warning)
    case .refused(let ending, let text):
      record.attempts += 1
      (record.ending, record.output) = (ending, beginning(of: text))
      try claim.consumer.giveUp(claim.event, record)
      report(.dead, claim, ending, .error)
    }
  }

  private func beginning(of text: String) -> String {
    String(decoding: text.utf8.prefix(AttemptRecord.maximumOutputBytes), as: UTF8.self)
  }

  private func time(after count: Int, _ now: Timestamp, atLeast seconds: Int64) -> Timestamp {
    let asked = now.seconds + min(seconds, Self.longestDelaySeconds)
    let ours = retryTime(after: count, now, jitter: .random(in: 0...1))
    return Timestamp(seconds: max(asked, ours.seconds))
  }

  private func giveUpWhatIsNoEvent(
    _ event: ClaimedEvent, _ consumer: EventConsumer
  ) throws(SystemError) {
    isComplete = false
    try leavingOut(event) { () throws(SystemError) in
      try consumer.giveUpWhatIsNoEvent(event, now: .now())
      bar.interrupted {
        log.write(
          .error,
          "result=dead instance=\(event.instance) file=\(Log.quoted(event.fileName)) "
            + "problem=\"no event\"")
      }
    }
    bar.advance()
  }

  private func releaseClaims() throws(SystemError) {
    let unsettled = claims.filter { !$0.isSettled }
    claims = []
    left += unsettled.count
    for claim in unsettled { try claim.consumer.release(claim.event) }
  }

  // MARK: Waiting

  /// Until the target may take events again.
  /// - Throws: `failure`, where nobody waits for that.
  private func pause(_ failure: TargetFailure) throws(TargetFailure) {
    guard options.isFollowing, case .unavailable(let asked) = failure.kind else { throw failure }
    failures += 1
    let ours = min(Self.longestPauseSeconds, 0.5 * Double(1 << min(failures, 10)))
    let asking = Double(min(asked, Self.longestDelaySeconds))
    let seconds = max(asking, ours * .random(in: 0.75...1.25))
    log.write(
      .warning,
      "result=unavailable problem=\(Log.quoted(failure.message)) pause=\(Int(seconds.rounded(.up)))s"
    )
    let end = ContinuousClock.now + .seconds(seconds)
    while !isStopped(), ContinuousClock.now < end { wait(seconds: 0.5, orForEvents: false) }
  }

  private func wait(seconds: Double, orForEvents: Bool) {
    var descriptors = [pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)]
    if orForEvents {
      descriptors.append(pollfd(fd: queue.descriptor, events: Int16(POLLIN), revents: 0))
    }
    poll(&descriptors, nfds_t(descriptors.count), Int32(seconds * 1_000))
    if orForEvents { queue.clear() }
  }

  // MARK: Log

  /// One line a batch: an event that arrived is found at its target.
  private func reportDelivered(_ count: Int, since begin: ContinuousClock.Instant) {
    guard count > 0, !bar.isShown else { return }
    let elapsed = (ContinuousClock.now - begin) / .milliseconds(1)
    log.write(.info, "result=\(Result.done.rawValue) events=\(count) ms=\(Int(elapsed))")
  }

  private func report(
    _ result: Result, _ claim: Claim, _ ending: AttemptRecord.Ending, _ level: Log.Level
  ) {
    isComplete = false
    bar.interrupted {
      log.write(
        level,
        "result=\(result.rawValue) instance=\(claim.event.instance) "
          + "id=\(Log.quoted(claim.outgoing.id)) \(ending.logField)")
    }
  }
}
