internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import Synchronization
internal import WebhookCore

/// Runs a handler for each event of the spool, some at a time.
///
/// One thread looks for events and claims them; each handler is waited for by a thread of its own,
/// which also settles its event.
final class Runner: Sendable {
  struct Options: Sendable {
    let jobs: Int
    /// Whether it waits for further events when there are none.
    let isFollowing: Bool
    /// At most so many events.
    let limit: Int
    let policy: RetryPolicy
  }

  /// Why the runner cannot go on.
  enum Failure: Error {
    case cannotStart(String)
    case spool(SystemError)
  }

  private struct State {
    var running = 0
    var failure: Failure?
    var counts: [Result: Int] = [:]
    /// What could not be moved on.
    var stuck: [ClaimedEvent] = []
  }

  enum Result: String {
    case done, dead, released, stuck
    case putOff = "put-off"
  }

  private let handler: Handler
  private let options: Options
  /// Of the instances, from the configuration.
  private let urls: [InstanceName: String]
  private let log: Log
  private let bar: ProgressBar
  private let state = Mutex(State())
  private let stop: StopRequest
  private let wakeUp = WakeUp()

  init(
    _ handler: Handler, _ options: Options, urls: [InstanceName: String], log: Log,
    bar: ProgressBar,
    stop: StopRequest
  ) {
    self.handler = handler
    self.options = options
    self.urls = urls
    self.log = log
    self.bar = bar
    self.stop = stop
  }

  /// Handles events until there are none, or for ever; `signals` stop it.
  /// - Returns: whether all that was begun is done.
  func run(_ queue: WatchedQueue, _ signals: StopSignals) throws(Failure) -> Bool {
    queue.report = { [log, bar] error in
      bar.interrupted { log.write(.error, "left out: \(error.message)") }
    }
    signals.report = { [self] in reportStop() }
    var left = options.limit
    while true {
      signals.read()
      let (running, failure) = state.withLock { state in
        for event in state.stuck { queue.leaveOut(event) }
        state.stuck = []
        return (state.running, state.failure)
      }
      if failure != nil { stop.make() }
      let mayStart = !stop.isMade && left > 0
      do throws(SystemError) {
        if mayStart && running < options.jobs,
          let (event, consumer) = try queue.next(now: .now(), isPatient: options.isFollowing)
        {
          left -= 1
          start(event, consumer)
          continue
        }
      } catch {
        state.withLock { $0.failure = $0.failure ?? .spool(error) }
        continue
      }
      if running == 0 && (!mayStart || !options.isFollowing) { break }
      wait(for: signals, queue)
    }
    bar.finish()
    return try result()
  }

  /// For a handler's end, an arrival, a signal, or half a second.
  private func wait(for signals: StopSignals, _ queue: WatchedQueue) {
    var waiting = [wakeUp.descriptor, signals.descriptor, queue.descriptor].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    poll(&waiting, nfds_t(waiting.count), 500)
    wakeUp.clear()
    queue.clear()
  }

  private func result() throws(Failure) -> Bool {
    let (failure, counts) = state.withLock { ($0.failure, $0.counts) }
    if let failure { throw failure }
    return counts.keys.allSatisfy { $0 == .done }
  }

  private func reportStop() {
    let running = state.withLock { $0.running }
    bar.interrupted {
      log.write(.notice, "stopping running=\(running) hint=\"a second signal ends them at once\"")
    }
  }

  // MARK: One event

  private func start(_ event: ClaimedEvent, _ consumer: EventConsumer) {
    state.withLock { $0.running += 1 }
    let isStarted = startThread { [self] in
      handle(event, consumer)
      state.withLock { $0.running -= 1 }
      wakeUp.signal()
    }
    // Without a further thread, one at a time.
    if !isStarted {
      handle(event, consumer)
      state.withLock { $0.running -= 1 }
    }
  }

  private func handle(_ event: ClaimedEvent, _ consumer: EventConsumer) {
    let begin = ContinuousClock.now
    do {
      guard let stored = StoredEvent(line: try event.contents()) else {
        return try settleWhatIsNoEvent(event, consumer)
      }
      let run = try handler.run(on: event, variables: variables(event, stored), stop: stop)
      let result = try settle(event, run, consumer)
      report(event, stored, run, result, since: begin)
    } catch let error as Handler.CannotStart {
      // Not the event's fault: it stays where it was.
      do throws(SystemError) {
        try consumer.release(event)
        fail(.cannotStart(error.message))
      } catch {
        fail(.spool(error))
      }
    } catch let error as SystemError where error.concernsOneFile {
      // Others need not wait for it.
      state.withLock { $0.stuck.append(event) }
      _ = count(.stuck)
      bar.interrupted { log.write(.error, "left out: \(error.message)") }
    } catch let error as SystemError {
      fail(.spool(error))
    } catch {
      preconditionFailure("nothing else is thrown")
    }
  }

  private func fail(_ failure: Failure) {
    state.withLock { $0.failure = $0.failure ?? failure }
  }

  private func variables(
    _ event: ClaimedEvent, _ stored: StoredEvent
  ) -> [(name: String, value: String)] {
    var variables = [
      ("DELVE_EVENT_FILE", event.path), ("DELVE_EVENT_ID", stored["id"]),
      ("DELVE_INSTANCE", event.instance.description), ("DELVE_TYPE", stored["type"]),
      ("DELVE_SUBJECT", stored["subject"]),
    ]
    if let url = urls[event.instance] { variables.append(("DELVE_URL", url)) }
    // Whoever can write the spool can write anything into an event; ours have 512 bytes at most.
    return variables.map { ($0.0, String($0.1.prefix { $0 != "\0" }.prefix(4_096))) }
  }

  private func settle(
    _ event: ClaimedEvent, _ run: Handler.Run, _ consumer: EventConsumer
  ) throws(SystemError) -> Result {
    // What it says of the event holds, even if it was asked to end.
    let saidSo = [EXIT_SUCCESS, EX_DATAERR, EX_TEMPFAIL].contains { run.ending == .exit($0) }
    guard !run.wasStopped || saidSo else {
      try consumer.release(event)
      return count(.released)
    }
    let now = Timestamp.now()
    let verdict = options.policy.verdict(
      on: run, after: event.record, now: now, jitter: .random(in: 0...1))
    switch verdict {
    case .finished:
      try consumer.finish(event, now: now)
      return count(.done)
    case .putOff(let record):
      try consumer.putOff(event, record)
      return count(.putOff)
    case .givenUp(let record):
      try consumer.giveUp(event, record)
      return count(.dead)
    }
  }

  private func settleWhatIsNoEvent(
    _ event: ClaimedEvent, _ consumer: EventConsumer
  ) throws(SystemError) {
    try consumer.giveUpWhatIsNoEvent(event, now: .now())
    bar.interrupted {
      log.write(
        .error,
        "result=dead instance=\(event.instance) file=\(Log.quoted(event.fileName)) problem=\"no event\""
      )
    }
    _ = count(.dead)
  }

  private func count(_ result: Result) -> Result {
    state.withLock { $0.counts[result, default: 0] += 1 }
    bar.advance()
    return result
  }

  /// One line an event; where a bar is shown, only of what did not go well.
  private func report(
    _ event: ClaimedEvent, _ stored: StoredEvent, _ run: Handler.Run, _ result: Result,
    since begin: ContinuousClock.Instant
  ) {
    if bar.isShown && result == .done { return }
    let level: Log.Level =
      switch result {
      case .done: .info
      case .putOff, .released: .warning
      case .dead, .stuck: .error
      }
    let elapsed = (ContinuousClock.now - begin).components
    let milliseconds = elapsed.seconds * 1_000 + elapsed.attoseconds / 1_000_000_000_000_000
    bar.interrupted {
      log.write(
        level,
        "result=\(result.rawValue) instance=\(event.instance) id=\(Log.quoted(stored["id"])) "
          + "\(run.ending.logField) attempt=\(event.record.attempts + 1) ms=\(milliseconds)")
    }
  }
}
