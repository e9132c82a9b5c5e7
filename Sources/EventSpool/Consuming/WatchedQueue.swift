package import WebhookCore

/// The events of a spool's instances as they are to be handled, or told of, the oldest first, and the
/// notice that further ones have come. Instances may come while it is watched. For one thread.
package final class WatchedQueue {
  private static let timeBetweenLooks = Duration.seconds(2)

  /// What has become of the events that were claimed.
  package let settled = SettledEvents()
  private let instances: OpenConsumers
  private let work: EventQueue.Work
  private var queue: EventQueue
  private let watch = ArrivalWatch()
  private var nextLook = SuspendingClock.now
  private var hasNews = true
  /// The paths of other users' instances, so that each is said once.
  private var foreign: Set<String> = []
  /// Told of each file that cannot be claimed, once; others do not wait for it.
  package var report: (SpoolError) -> Void = { _ in }

  package init(
    ofSpool path: String, for work: EventQueue.Work, isWanted: @escaping (InstanceName) -> Bool
  ) {
    self.work = work
    queue = EventQueue([], for: work)
    instances = OpenConsumers(path: path, isWanted: isWanted, settled: settled)
  }

  /// Looks at the instances and their folders now. `next` does so every two seconds.
  /// - Throws: if the spool, or a folder of a wanted instance, cannot be used, or if every wanted
  ///   instance belongs to another user.
  package func refresh() throws(SpoolError) {
    nextLook = .now
    try refreshIfDue()
  }

  private func refreshIfDue() throws(SpoolError) {
    guard SuspendingClock.now >= nextLook else { return }
    queue.consumers = try instances.now { error in
      if foreign.insert(error.path).inserted { report(error) }
    }
    watch.look(after: work == .telling ? .dead : .new, of: queue.consumers)
    nextLook = .now + Self.timeBetweenLooks
  }

  /// Whether no wanted instance is there.
  package var isWithoutInstances: Bool { queue.consumers.isEmpty }

  /// How many are new, or are to be told of now.
  package func backlog(now: Timestamp) throws(SpoolError) -> Int {
    var count = 0
    let untold = NameList()
    for consumer in queue.consumers {
      switch work {
      case .handling: count += try consumer.count(in: .new)
      case .telling:
        var scan = DeadScan()
        try scan.offerDue(of: consumer, to: untold, as: 0, now: now)
      }
    }
    return count + untold.count
  }

  /// Claims the next event, as `EventQueue.next` does.
  package func next(now: Timestamp, isPatient: Bool) throws(SpoolError) -> ClaimedEvent? {
    try refreshIfDue()
    defer { hasNews = false }
    return try queue.next(now: now, isPatient: isPatient, hasNews: hasNews, report: report)
  }

  /// As `EventQueue.leaveOut` has it.
  package func leaveOut(_ event: ClaimedEvent) { queue.leaveOut(event) }

  /// Can be read when something may have come (poll(2)); -1 if that cannot be told.
  package var descriptor: Int32 { watch.descriptor }

  /// To be called when it can: what has come is found by `next`.
  package func clear() {
    if watch.clear() { hasNews = true }
  }
}
