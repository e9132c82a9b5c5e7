internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import WebhookCore

/// Hands the spool's events on to a target, a batch at a time, the oldest first. For one thread;
/// any number of processes may work on one spool.
///
/// As long as the target takes none, events stay where they are, but for those it was tried with.
final class Forwarder {
  private struct Claim {
    let event: ClaimedEvent
    let outgoing: OutgoingEvent
    var isSettled = false
  }

  /// An event has some kilobytes; this is for those of the largest tokens.
  private static let bytesPerBatch = 4 << 20
  /// However long a target asks for.
  private static let longestDelaySeconds: Int64 = 86_400

  private let target: any EventTarget
  private let draining: Draining
  private let withProof: Bool
  private var claims: [Claim] = []
  /// How often in a row the target took none.
  private var failures = 0

  init(to target: any EventTarget, from draining: Draining, withProof: Bool) {
    self.target = target
    self.draining = draining
    self.withProof = withProof
  }

  private var signals: StopSignals { draining.signals }
  private var report: DrainingReport { draining.report }

  /// Hands on what there is, or what comes until a signal stops it.
  /// - Throws: `TargetError` or `SpoolError`.
  func run() throws {
    signals.report = { [report] in report.stopping() }
    while mayGoOn() {
      do throws(DeliveringError) {
        guard try handOnSome() else { break }
      } catch {
        switch error {
        case .target(let error):
          try releaseClaims()
          guard error.kind != .interrupted else { continue }
          try pause(error)
        case .spool(let error):
          try? releaseClaims()
          throw error
        }
      }
    }
    if !draining.isFollowing && signals.request.isMade { draining.markIncomplete() }
  }

  private func mayGoOn() -> Bool {
    signals.read()
    return draining.mayBegin
  }

  /// - Returns: false if there is nothing left to do.
  private func handOnSome() throws(DeliveringError) -> Bool {
    do throws(TargetError) { try target.open(signals) } catch { throw .target(error) }
    guard mayGoOn() else { return true }
    do throws(SpoolError) { try claimBatch() } catch { throw .spool(error) }
    if !claims.isEmpty {
      try deliver()
    } else if draining.isFollowing {
      draining.wait()
    } else {
      return false
    }
    return true
  }

  // MARK: A batch

  private func claimBatch() throws(SpoolError) {
    var bytes = 0
    // As long as the target takes none, it is tried with one.
    let most = failures > 0 ? 1 : target.batchSize
    while claims.count < most, bytes < Self.bytesPerBatch, let event = try draining.next() {
      do throws(SpoolError) {
        guard let outgoing = OutgoingEvent(line: try event.contents(), withProof: withProof) else {
          try event.giveUpAsNoEvent(now: .now())
          draining.markIncomplete()
          report.noEvent(event)
          continue
        }
        claims.append(Claim(event: event, outgoing: outgoing))
        bytes += outgoing.json.count
      } catch  where error.concern == .event {
        leaveOut(event, error)
      }
    }
  }

  private func deliver() throws(DeliveringError) {
    let begin = ContinuousClock.now
    var delivered = 0
    defer {
      if delivered > 0 { failures = 0 }
      reportDelivered(delivered, since: begin)
    }
    try target.deliver(claims.map(\.outgoing), signals) {
      (index, delivery) throws(SpoolError) in
      if case .delivered = delivery { delivered += 1 }
      try settle(index, delivery)
      return true
    }
    claims = []
  }

  private func settle(_ index: Int, _ delivery: Delivery) throws(SpoolError) {
    claims[index].isSettled = true
    let claim = claims[index]
    do throws(SpoolError) {
      try record(delivery, of: claim)
      report.bar.advance()
    } catch  where error.concern == .event {
      leaveOut(claim.event, error)
    }
  }

  /// The event cannot be moved on; others do not wait for it.
  private func leaveOut(_ event: ClaimedEvent, _ error: SpoolError) {
    draining.leaveOut(event)
    report.bar.advance()
    report.leftOut(error)
  }

  private func record(_ delivery: Delivery, of claim: Claim) throws(SpoolError) {
    let now = Timestamp.now()
    var record = claim.event.record
    record.lastAttempt = now
    record.nextAttempt = nil
    switch delivery {
    case .delivered:
      try claim.event.finish(now: now)
    case .putOff(let ending, let text, let seconds):
      record.deferrals += 1
      (record.ending, record.output) = (ending, beginning(of: text))
      record.nextAttempt = time(after: record.deferrals, now, atLeast: seconds)
      try claim.event.putOff(record)
      reportUndelivered(.putOff, claim, ending)
    case .refused(let ending, let text):
      record.attempts += 1
      (record.ending, record.output) = (ending, beginning(of: text))
      try claim.event.giveUp(record)
      reportUndelivered(.dead, claim, ending)
    }
  }

  private func beginning(of text: String) -> String {
    String(decoding: text.utf8.prefix(AttemptRecord.maximumOutputBytes), as: UTF8.self)
  }

  private func time(after count: Int, _ now: Timestamp, atLeast seconds: Int64) -> Timestamp {
    let asked = now.seconds + min(seconds, Self.longestDelaySeconds)
    let ours = Backoff.ofEvents.time(after: count, from: now, jitter: .random(in: 0...1))
    return Timestamp(seconds: max(asked, ours.seconds))
  }

  private func releaseClaims() throws(SpoolError) {
    let unsettled = claims.filter { !$0.isSettled }
    claims = []
    for claim in unsettled {
      draining.countAsNotBegun()
      try claim.event.release()
    }
  }

  // MARK: Waiting

  /// Waits until the target may take events again.
  /// - Throws: `error`, if nobody waits for that.
  private func pause(_ error: TargetError) throws(TargetError) {
    guard draining.isFollowing, case .unavailable(let asked) = error.kind else { throw error }
    failures += 1
    let seconds = max(
      Double(min(asked, Self.longestDelaySeconds)),
      Backoff.ofTargets.seconds(after: failures, jitter: .random(in: 0...1)))
    report.write(
      LogLine(
        .warning, "",
        [
          "result": .text("unavailable"), "problem": .text(error.message),
          "pause": .text("\(Int(seconds.rounded(.up)))s"),
        ]))
    let end = ContinuousClock.now + .seconds(seconds)
    while mayGoOn(), ContinuousClock.now < end { draining.wait(orForEvents: false) }
  }

  // MARK: Log

  /// One line a batch: an event that arrived is found at its target.
  private func reportDelivered(_ count: Int, since begin: ContinuousClock.Instant) {
    guard count > 0, !report.bar.isShown else { return }
    report.write(
      LogLine(
        .info, "",
        [
          "result": .text(EventResult.done.rawValue), "events": .number(count),
          "ms": .number((.now - begin).milliseconds),
        ]))
  }

  private func reportUndelivered(
    _ result: EventResult, _ claim: Claim, _ ending: AttemptRecord.Ending
  ) {
    draining.markIncomplete()
    report.result(result, of: claim.event, id: claim.outgoing.id, ending)
  }
}
