internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import WebhookCore

/// Hands the spool's events on to a target, a batch at a time, the oldest first. For one thread;
/// any number of processes may work on one spool.
///
/// An event pays for a failure only if the target takes others: it is put off, or, if the target
/// refuses it a second time, given up. As long as the target takes none, every event stays where it
/// is, and one is tried from time to time.
final class Forwarder {
  private struct Claim {
    let event: ClaimedEvent
    let outgoing: OutgoingEvent
    /// Why it was not taken, and what is known of it; nil if it was, or was not tried.
    var failure: (Delivery.Failure, Blame.Standing)?
    var isSettled = false
  }

  /// An event has some kilobytes; this is for those of the largest tokens.
  private static let bytesPerBatch = 4 << 20
  /// However long a target asks for: another event may be taken earlier.
  private static let longestPauseSeconds: Int64 = 300
  /// If the target takes none, as it seems, so many are tried before that is believed.
  private static let mostTries = 5

  private let target: any EventTarget
  private let draining: Draining
  private let withProof: Bool
  private var claims: [Claim] = []
  /// How often in a row the target took none.
  private var failures = 0
  private var probe = TargetProbe()
  private var blame = Blame()
  /// Whether the target was open once: it can be used.
  private var wasOpen = false

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
          // An event that was tried alone may be to blame: another one is tried next.
          if claims.count == 1 { _ = blame.failed(claims[0].event.fileName) }
          try releaseClaims()
          guard error.kind != .interrupted else { continue }
          try pause(error)
        case .spool(let error):
          try? releaseClaims()
          throw error
        }
      }
    }
    try releaseClaims()
  }

  private func mayGoOn() -> Bool {
    signals.read()
    return draining.mayBegin
  }

  /// - Returns: false if there is nothing left to do.
  private func handOnSome() throws(DeliveringError) -> Bool {
    // Who waits for no events needs no target for none.
    if draining.isFollowing || !wasOpen { try openTarget() }
    guard mayGoOn() else { return true }
    do throws(SpoolError) { try claimBatch() } catch { throw .spool(error) }
    if !claims.isEmpty {
      if !draining.isFollowing { try openTarget() }
      try deliver()
    } else if draining.isFollowing {
      draining.wait()
    } else {
      return false
    }
    return true
  }

  private func openTarget() throws(DeliveringError) {
    do throws(TargetError) {
      try target.open(signals)
      wasOpen = true
    } catch {
      // No event is to blame.
      do throws(SpoolError) { try releaseClaims() } catch { throw .spool(error) }
      throw .target(error)
    }
  }

  // MARK: A batch

  private func claimBatch() throws(SpoolError) {
    var bytes = 0
    while claims.count < target.batchSize, bytes < Self.bytesPerBatch {
      guard let event = try takeNext() else { return }
      do throws(SpoolError) {
        guard
          let outgoing = OutgoingEvent(
            line: try event.contents(), withProof: withProof,
            isSuspect: event.record.ending != nil || blame.isKnown(event.fileName))
        else {
          try settle(event) { () throws(SpoolError) in try event.giveUpAsNoEvent(now: .now()) }
          draining.markIncomplete()
          report.noEvent(event)
          continue
        }
        // It may end this program again, and is not to take others along. They come again; it might
        // not for as long as there are others.
        let isAlone = event.record.ending == .lost
        if isAlone { try releaseClaims() }
        claims.append(Claim(event: event, outgoing: outgoing))
        bytes += outgoing.json.count
        // As long as the target takes none, it is tried with one.
        if isAlone || failures > 0 { return }
      } catch {
        guard error.concern == .event else {
          try? event.release()
          throw error
        }
        draining.leaveOut(event, error)
      }
    }
  }

  private func takeNext() throws(SpoolError) -> ClaimedEvent? {
    guard failures > 0 else { return try draining.next() }
    return try probe.nextToTry(
      after: failures, of: draining, knowing: blame, release: release(_:))
  }

  private func deliver() throws(DeliveringError) {
    let begin = SuspendingClock.now
    let takenBefore = blame.taken
    sortClaims()
    let slack = min(target.concurrency - 1, claims.count / 4)
    defer {
      blame.batchHasEnded()
      if blame.taken > takenBefore {
        if failures > 0 { probe.wasTaken() }
        failures = 0
      }
      report.delivered(blame.taken - takenBefore, in: .now - begin)
    }
    try target.deliver(claims.map(\.outgoing), signals) {
      (index, delivery) throws(SpoolError) in
      let name = claims[index].event.fileName
      switch delivery {
      case .delivered:
        blame.wasTaken(name, at: .now)
        try settle(index) { event throws(SpoolError) in try event.finish(now: .now()) }
      case .failed(let failure):
        let standing = blame.failed(
          name, isRefusal: failure.isRefusal, wasAnswered: failure.ending != .noAnswer,
          slack: slack)
        claims[index].failure = (failure, standing)
      }
      return !blame.targetTakesNone
    }
    let failure: TargetError?
    do throws(SpoolError) {
      failure = try settleFailures(tookSome: blame.taken > takenBefore)
    } catch {
      throw .spool(error)
    }
    if let failure { throw .target(failure) }
  }

  /// Those first that may have to pay, and other suspects last.
  private func sortClaims() {
    func rank(_ claim: Claim) -> Int {
      if blame.goesFirst(claim.event.fileName) { return 0 }
      return claim.outgoing.isSuspect ? 2 : 1
    }
    claims = (0...2).flatMap { number in claims.filter { rank($0) == number } }
  }

  /// Has those events pay that are to blame, and lets go of the others.
  /// - Returns: the failure if it is the target's.
  private func settleFailures(tookSome: Bool) throws(SpoolError) -> TargetError? {
    let failures = claims.indices.filter { claims[$0].failure != nil }
    let inDoubt = failures.filter { claims[$0].failure?.1 != .guilty }
    let now = SuspendingClock.now
    let isTargets = blame.isTargets(
      inDoubt: inDoubt.count, notNew: inDoubt.allSatisfy { claims[$0].event.record.isOfTarget },
      tookSome: tookSome, at: now)
    let last = inDoubt.last.flatMap { claims[$0].failure?.0 }
    for index in failures {
      guard let (failure, standing) = claims[index].failure, standing == .guilty || !isTargets
      else { continue }
      blame.noteTargetTakes(butNot: claims[index].event.fileName)
      let verdict = blame.verdict(
        refusals: blame.refusals(of: claims[index].event.fileName), isRefusal: failure.isRefusal,
        standing, putOffBefore: claims[index].event.record.isOfTarget,
        refusedBefore: claims[index].event.record.ending == failure.ending, inDoubt: inDoubt.count,
        tookSome: tookSome, at: now
      )
      switch verdict {
      case .stay: break
      case .putOff: try charge(index, failure, givingUp: false)
      case .giveUp: try charge(index, failure, givingUp: true)
      }
    }
    try releaseClaims()
    guard isTargets, let last else { return nil }
    return .unavailable(last.problem, afterSeconds: last.afterSeconds)
  }

  private func charge(
    _ index: Int, _ failure: Delivery.Failure, givingUp: Bool
  ) throws(SpoolError) {
    let claim = claims[index]
    blame.hasPaid(claim.event.fileName)
    let record = failure.record(
      after: claim.event.record, now: .now(), givingUp: givingUp, jitter: .random(in: 0...1))
    try settle(index) { event throws(SpoolError) in
      try givingUp ? event.giveUp(record) : event.putOff(record)
    }
    draining.markIncomplete()
    report.result(
      givingUp ? .dead : .putOff, of: claim.event, id: claim.outgoing.id, failure.ending)
  }

  // MARK: Settling

  private func settle(
    _ index: Int, _ body: (ClaimedEvent) throws(SpoolError) -> Void
  ) throws(SpoolError) {
    let event = claims[index].event
    claims[index].isSettled = true
    do throws(SpoolError) {
      try settle(event) { () throws(SpoolError) in try body(event) }
      report.bar.advance()
    } catch  where error.concern == .event {
      draining.leaveOut(event, error)
    }
  }

  private func settle(
    _ event: ClaimedEvent, _ body: () throws(SpoolError) -> Void
  ) throws(SpoolError) {
    try draining.settling.settle(event, wait: wait(milliseconds:), body)
  }

  private func wait(milliseconds: Int) {
    signals.read()
    draining.wait(orForEvents: false, milliseconds: Int32(milliseconds))
  }

  private func releaseClaims() throws(SpoolError) {
    let unsettled = claims.filter { !$0.isSettled }.map(\.event)
    claims = []
    for event in unsettled { try release(event) }
  }

  private func release(_ event: ClaimedEvent) throws(SpoolError) {
    draining.countAsNotBegun()
    do throws(SpoolError) {
      try settle(event) { () throws(SpoolError) in try event.release() }
    } catch  where error.concern == .event {
      draining.leaveOut(event, error)
    }
  }

  // MARK: Waiting

  /// Waits until the target may take events again.
  /// - Throws: `error`, if nobody waits for that.
  private func pause(_ error: TargetError) throws(TargetError) {
    guard case .unavailable(let asked) = error.kind else { throw error }
    failures += 1
    guard draining.isFollowing else {
      guard failures < Self.mostTries else { throw error }
      return
    }
    let seconds = max(
      Double(min(asked, Self.longestPauseSeconds)),
      Backoff.ofTargets.seconds(after: failures, jitter: .random(in: 0...1)))
    report.unavailable(error.message, pause: seconds)
    let end = SuspendingClock.now + .seconds(seconds)
    while mayGoOn(), SuspendingClock.now < end { draining.wait(orForEvents: false) }
  }
}
