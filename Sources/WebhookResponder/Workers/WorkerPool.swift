internal import LinuxSystem
internal import Synchronization

/// A whole request, to be served.
struct Job {
  let connection: Connection
  let request: ReceivedRequest
  /// When its last byte was here.
  let completeAt: ContinuousClock.Instant
  /// Until when it must be answered.
  let deadline: ContinuousClock.Instant
  /// Whether further bytes of the connection are here already.
  let hasMore: Bool
}

/// Worker threads, started when a job finds none waiting, up to a maximum; one more for health
/// checks, which must be answered even if all others are busy; and one for looks at what the program
/// does, which needs no disk.
final class WorkerPool: Sendable {
  private static let timeToAnswer = Duration.milliseconds(500)

  private let connections: Connections
  private let log: RequestLog
  private let maximum: Int
  private let jobs = JobQueue()
  private let healthChecks = JobQueue()
  private let observations = JobQueue()
  private let counters: Counters
  private let keeper: RefusedKeeper
  private let observer: Observer?
  private let workers = Mutex<[WorkerState]>([])

  /// Starts the first worker, and those for health checks and observations.
  /// - Parameter observer: nil if this process knows only a part of what is to be seen.
  init(
    connections: Connections, maximum: Int, log: RequestLog, counters: Counters,
    keeper: RefusedKeeper, observer: Observer?
  ) throws(SystemError) {
    self.connections = connections
    self.maximum = maximum
    self.log = log
    self.counters = counters
    self.keeper = keeper
    self.observer = observer
    try start(workers.withLock { Self.added(to: &$0) }, on: jobs)
    try start(WorkerState(), on: healthChecks)
    try start(WorkerState(), on: observations)
  }

  func serve(_ job: Job) {
    let isDelivery = job.request.purpose == .delivery
    switch queue(for: job.request.purpose).append(job) {
    case .isTaken: return
    case .hasNoRoom:
      connections.close(job.connection)
      if isDelivery { log.undecided(.noRoom) }
      return
    case .waits:
      guard isDelivery else { return }
    }
    let state = workers.withLock { $0.count < maximum ? Self.added(to: &$0) : nil }
    guard let state else { return }
    // If no further thread can be had, those that are there do the work.
    if (try? start(state, on: jobs)) == nil {
      workers.withLock { workers in workers.removeAll { $0 === state } }
    }
  }

  private func queue(for purpose: ReceivedRequest.Purpose) -> JobQueue {
    switch purpose {
    case .delivery: jobs
    case .healthCheck: healthChecks
    case .observation: observations
    }
  }

  /// Lets go of those that nobody can answer in time any more.
  func dropExpired(now: ContinuousClock.Instant) {
    for _ in 0..<jobs.dropExpired(now: now) { log.undecided(.expired) }
    for queue in [healthChecks, observations] { _ = queue.dropExpired(now: now) }
  }

  private static func added(to workers: inout [WorkerState]) -> WorkerState {
    let state = WorkerState()
    workers.append(state)
    return state
  }

  // MARK: How they are

  /// Whether half of the workers or more are over their request's time.
  var isOverloaded: Bool {
    let now = ContinuousClock.now
    return workers.withLock { $0.count { $0.isStuck(at: now) } * 2 >= maximum }
  }

  /// Whether all workers are over their request's time, and not because of the spool: a hung disk
  /// is not mended by another process.
  var areAllStuckElsewhere: Bool {
    let now = ContinuousClock.now
    return workers.withLock {
      $0.count == maximum && $0.allSatisfy { $0.isStuck(at: now) && !$0.isInSpool }
    }
  }

  // MARK: A worker's thread

  private func start(_ state: WorkerState, on queue: JobQueue) throws(SystemError) {
    try startThread { [self] in
      let handler = RequestHandler(
        log: log, state: state, tally: counters.newTally(), keeper: keeper, observer: observer
      ) { [self] in isOverloaded }
      let request = FastCGIRequest()
      while true { serve(queue.next(), state, handler, request) }
    }
  }

  private func serve(
    _ job: Job, _ state: WorkerState, _ handler: RequestHandler, _ request: FastCGIRequest
  ) {
    // The main loop has closed it while it waited.
    guard connections.startServing(job.connection) else {
      if job.request.purpose == .delivery { log.undecided(.expired) }
      return
    }
    guard let parameters = request.parameters(of: job.request) else {
      connections.close(job.connection)
      if job.request.purpose == .delivery { log.undecided(.unreadable) }
      return
    }
    let times = RequestTimes(
      began: job.deadline - timePerRequest, complete: job.completeAt, taken: .now)
    let isDelivery = job.request.purpose == .delivery
    state.begin(until: job.deadline)
    if isDelivery { counters.workerBegins() }
    // Before the main loop cuts it off, so that a wait ends in an answer.
    let end = job.deadline - Self.timeToAnswer
    let reply = handler.reply(to: parameters, job.request.snapshot, times, until: end) { _ in
      job.request.body
    }
    if isDelivery { counters.workerEnds() }
    state.end()
    let isSent: Bool
    let mayKeep: Bool
    if job.request.purpose == .observation {
      // A page may be longer than what a socket holds. Its time is over like any other's.
      job.connection.waitWhenSending(true)
      isSent = request.respond(with: reply.bytes, to: job.connection)
      job.connection.waitWhenSending(false)
      mayKeep = connections.startAnswer(on: job.connection)
    } else {
      mayKeep = connections.startAnswer(on: job.connection)
      isSent = request.respond(with: reply.bytes, to: job.connection)
    }
    if !isSent && isDelivery { counters.answerWasNotSent() }
    if isSent && mayKeep && job.request.keepsConnection {
      connections.keep(job.connection, hasMore: job.hasMore)
    } else {
      connections.close(job.connection)
    }
  }
}

/// What a worker is doing.
final class WorkerState: Sendable {
  private struct State {
    /// Until when its request must be answered; nil while it has none.
    var deadline: ContinuousClock.Instant?
    var isInSpool = false
  }

  private let state = Mutex(State())

  func begin(until deadline: ContinuousClock.Instant) { state.withLock { $0.deadline = deadline } }
  func end() { state.withLock { $0.deadline = nil } }
  func enterSpool() { state.withLock { $0.isInSpool = true } }
  func leaveSpool() { state.withLock { $0.isInSpool = false } }

  /// Whether its request is over its time.
  func isStuck(at now: ContinuousClock.Instant) -> Bool {
    state.withLock { $0.deadline.map { $0 <= now } ?? false }
  }

  var isInSpool: Bool { state.withLock { $0.isInSpool } }
}

/// Hands jobs to waiting workers, in the order in which they came.
///
/// Unchecked because the other properties are only touched while `arrival` is locked.
final class JobQueue: @unchecked Sendable {
  enum Appended {
    /// A waiting worker is there for it.
    case isTaken
    case waits
    /// It is not in the queue.
    case hasNoRoom
  }

  /// Of all that wait in this queue. A delivery holds some kilobytes.
  static let maximumHeldBytes = 64 << 20

  private let arrival = ConditionVariable()
  /// Those before `first` have been taken.
  private var waiting: [Job?] = []
  private var first = 0
  private var waitingWorkers = 0
  private var heldBytes = 0

  func append(_ job: Job) -> Appended {
    let bytes = job.request.heldBytes
    arrival.lock()
    guard heldBytes + bytes <= Self.maximumHeldBytes else {
      arrival.unlock()
      return .hasNoRoom
    }
    waiting.append(job)
    heldBytes += bytes
    let isSomebodyWaiting = waitingWorkers > 0
    let isTaken = waiting.count - first <= waitingWorkers
    arrival.unlock()
    if isSomebodyWaiting { arrival.signal() }
    return isTaken ? .isTaken : .waits
  }

  /// Waits for a job.
  func next() -> Job {
    arrival.lock()
    defer { arrival.unlock() }
    while true {
      if let job = takeFirst() { return job }
      waitingWorkers += 1
      arrival.wait()
      waitingWorkers -= 1
    }
  }

  /// - Returns: how many.
  func dropExpired(now: ContinuousClock.Instant) -> Int {
    arrival.lock()
    defer { arrival.unlock() }
    let all = waiting[first...].compactMap { $0 }
    let inTime = all.filter { $0.deadline > now }
    // One that came later may be over earlier: its time begins with its first byte.
    guard inTime.count < all.count else { return 0 }
    (waiting, first) = (inTime, 0)
    heldBytes = inTime.reduce(0) { $0 + $1.request.heldBytes }
    return all.count - inTime.count
  }

  private func takeFirst() -> Job? {
    guard first < waiting.count else { return nil }
    // Moving the rest forward for each would cost more than the rest of the work, under load.
    if first >= 64 && first * 2 >= waiting.count {
      waiting.removeFirst(first)
      first = 0
    }
    defer { first += 1 }
    let job = waiting[first].take()
    heldBytes -= job?.request.heldBytes ?? 0
    return job
  }
}
