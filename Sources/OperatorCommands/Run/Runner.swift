internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import Synchronization
internal import WebhookCore

/// Runs a handler for each event of the spool, some at a time.
///
/// One thread looks for events and claims them; each handler is waited for by a thread of its own,
/// which also settles its event.
final class Runner: Sendable {
  private struct State {
    var running = 0
    /// Why the runner cannot go on.
    var failure: CommandError?
    /// Whether an event was not handled.
    var isIncomplete = false
    /// What could not be moved on, and why.
    var stuck: [(ClaimedEvent, SpoolError)] = []
  }

  private let handler: Handler
  private let jobs: Int
  private let policy: RetryPolicy
  private let urls: InstanceURLs
  private let report: DrainingReport
  private let settling: Settling
  private let stop: StopRequest
  private let wakeUp: WakeUp
  private let state = Mutex(State())

  /// - Parameter jobs: handlers at the same time.
  init(
    _ handler: Handler, jobs: Int, _ policy: RetryPolicy, urls: InstanceURLs, for draining: Draining
  ) throws(SystemError) {
    self.handler = handler
    self.jobs = jobs
    self.policy = policy
    self.urls = urls
    report = draining.report
    settling = draining.settling
    stop = draining.signals.request
    wakeUp = try WakeUp()
  }

  /// Handles events until there are none, or without an end; signals stop it.
  /// - Throws: `CommandError`, once all that was begun has ended.
  func run(_ draining: Draining) throws(CommandError) {
    draining.signals.report = { [self] in
      report.stopping(running: state.withLock { $0.running })
    }
    while true {
      draining.signals.read()
      let running = takeOver(draining)
      do throws(SpoolError) {
        if running < jobs, let event = try draining.next() {
          start(event)
          continue
        }
      } catch {
        fail(CommandError(error, while: .moving))
        continue
      }
      if running == 0 && (!draining.mayBegin || !draining.isFollowing) { break }
      draining.wait(for: [wakeUp.descriptor])
      wakeUp.clear()
    }
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  /// Hands on what the handlers' threads have found.
  /// - Returns: how many handlers run.
  private func takeOver(_ draining: Draining) -> Int {
    state.withLock { state in
      for (event, error) in state.stuck { draining.leaveOut(event, error) }
      state.stuck = []
      if state.isIncomplete { draining.markIncomplete() }
      if state.failure != nil { stop.make() }
      return state.running
    }
  }

  // MARK: One event

  private func start(_ event: ClaimedEvent) {
    state.withLock { $0.running += 1 }
    do throws(SystemError) {
      try startThread { [self] in
        handle(event)
        state.withLock { $0.running -= 1 }
        wakeUp.signal()
      }
    } catch {
      // Without a further thread, one at a time.
      handle(event)
      state.withLock { $0.running -= 1 }
    }
  }

  private func handle(_ event: ClaimedEvent) {
    let begin = SuspendingClock.now
    do throws(SpoolError) {
      let stored = StoredEvent(line: try contents(of: event))
      guard stored != nil || event.isGivenUp else {
        try settling.settle(event) { () throws(SpoolError) in
          try event.giveUpAsNoEvent(now: .now())
        }
        report.noEvent(event)
        return markIncomplete()
      }
      let run: HandlerRun
      do throws(HandlerError) {
        run = try handler.run(
          on: event, variables: variables(event, stored), stop: stop, above: report.bar)
      } catch {
        // Not the event's fault: it goes back to where it was.
        try settling.settle(event) { () throws(SpoolError) in try event.release() }
        return fail(.unavailable(error.message))
      }
      let result = try settle(event, run)
      if ![.done, .told].contains(result) { markIncomplete() }
      report.bar.advance()
      report.result(
        result, of: event, id: stored?[.id], run.ending,
        attempt: (event.isGivenUp ? event.notice.attempts : event.record.attempts) + 1,
        time: .now - begin)
    } catch  where error.concern == .event {
      state.withLock { $0.stuck.append((event, error)) }
    } catch {
      fail(CommandError(error, while: .moving))
    }
  }

  private func contents(of event: ClaimedEvent) throws(SpoolError) -> [UInt8] {
    do throws(SpoolError) {
      return try event.contents()
    } catch {
      // Nothing has begun that would have to be counted.
      try? event.release()
      throw error
    }
  }

  private func markIncomplete() { state.withLock { $0.isIncomplete = true } }

  private func fail(_ failure: CommandError) {
    state.withLock { $0.failure = $0.failure ?? failure }
  }

  private func variables(
    _ event: ClaimedEvent, _ stored: StoredEvent?
  ) -> [(name: String, value: String)] {
    var variables = [
      ("DELVE_EVENT_FILE", event.path), ("DELVE_INSTANCE", event.instance.description),
    ]
    if let stored {
      variables += [
        ("DELVE_EVENT_ID", stored[.id]), ("DELVE_TYPE", stored[.type]),
        ("DELVE_SUBJECT", stored[.subject]),
      ]
    }
    if let url = urls[event.instance] { variables.append(("DELVE_URL", url)) }
    // Whoever can write the spool can write anything into an event; ours have 512 bytes at most, and
    // the kernel refuses more than 128 KiB.
    return variables.map { name, value in
      (name, String(value.unicodeScalars.prefix { $0 != "\0" }.prefix(4_096)))
    }
  }

  private func settle(
    _ event: ClaimedEvent, _ run: HandlerRun
  ) throws(SpoolError) -> EventResult {
    // What it says of the event holds, even if it was asked to end.
    let saidSo = [EXIT_SUCCESS, EX_DATAERR, EX_TEMPFAIL].contains { run.ending == .exit($0) }
    guard !run.wasStopped || saidSo else {
      try settling.settle(event) { () throws(SpoolError) in try event.release() }
      return .released
    }
    // While the handler ran, folders may have been replaced.
    event.reopenFolders()
    if event.isGivenUp { return try note(event, run) }
    let verdict = policy.verdict(
      on: run, after: event.record, now: .now(), jitter: .random(in: 0...1))
    return try settling.settle(event) { () throws(SpoolError) in
      switch verdict {
      case .finished:
        try event.finish(now: .now())
        return .done
      case .putOff(let record):
        try event.putOff(record)
        return .putOff
      case .givenUp(let record):
        try event.giveUp(record)
        return .dead
      }
    }
  }

  private func note(_ event: ClaimedEvent, _ run: HandlerRun) throws(SpoolError) -> EventResult {
    let notice = RetryPolicy.notice(
      on: run, after: event.notice, now: .now(), jitter: .random(in: 0...1))
    try settling.settle(event) { () throws(SpoolError) in try event.note(notice) }
    return notice.isTold ? .told : .putOff
  }
}
