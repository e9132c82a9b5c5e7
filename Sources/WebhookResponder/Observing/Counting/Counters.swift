internal import Synchronization
internal import WebhookCore

/// What the whole process counts. Any thread may, and none waits for another.
final class Counters: Sendable {
  let startedAt: Timestamp
  private let tallies = Mutex<[Tally]>([])
  private let receivedBytes = Atomic(0)
  private let malformedConnections = Atomic(0)
  private let suppressedLines = Atomic(0)
  private let undecidedDeliveries = Atomic(0)
  private let unsentAnswers = Atomic(0)
  private let busyWorkers = Atomic(0)
  private let mostBusyWorkers = Atomic(0)

  init(startedAt: Timestamp) {
    self.startedAt = startedAt
  }

  // MARK: Counting

  /// A tally of a worker's own.
  func newTally() -> Tally {
    let tally = Tally()
    tallies.withLock { $0.append(tally) }
    return tally
  }

  func received(bytes: Int) { receivedBytes.add(bytes, ordering: .relaxed) }

  func closedMalformedConnection() { malformedConnections.add(1, ordering: .relaxed) }

  func suppressed(lines: Int) { suppressedLines.add(lines, ordering: .relaxed) }

  /// Nobody could decide a delivery: no worker in time, no room to wait, or no memory to read it.
  func wasNotDecided() { undecidedDeliveries.add(1, ordering: .relaxed) }

  /// The web server had gone, or did not take the answer to a delivery.
  func answerWasNotSent() { unsentAnswers.add(1, ordering: .relaxed) }

  func workerBegins() {
    let busy = busyWorkers.add(1, ordering: .relaxed).newValue
    mostBusyWorkers.max(busy, ordering: .relaxed)
  }

  func workerEnds() { busyWorkers.subtract(1, ordering: .relaxed) }

  /// Drops the numbers of instances that a reload took away.
  func keepOnly(_ instances: Set<InstanceName>) {
    for tally in tallies.withLock({ $0 }) { tally.keepOnly(instances) }
  }

  // MARK: The numbers

  struct Values {
    var deliveries = Counts()
    let receivedBytes, malformedConnections, suppressedLines, busyWorkers, mostBusyWorkers: Int
    let undecidedDeliveries, unsentAnswers: Int
  }

  var values: Values {
    var values = Values(
      receivedBytes: receivedBytes.load(ordering: .relaxed),
      malformedConnections: malformedConnections.load(ordering: .relaxed),
      suppressedLines: suppressedLines.load(ordering: .relaxed),
      busyWorkers: busyWorkers.load(ordering: .relaxed),
      mostBusyWorkers: mostBusyWorkers.load(ordering: .relaxed),
      undecidedDeliveries: undecidedDeliveries.load(ordering: .relaxed),
      unsentAnswers: unsentAnswers.load(ordering: .relaxed))
    for tally in tallies.withLock({ $0 }) { values.deliveries.add(tally.value) }
    return values
  }
}
