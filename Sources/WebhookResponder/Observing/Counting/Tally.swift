internal import ServiceProcess
internal import Synchronization
internal import WebhookCore

/// What one worker has counted. Its lock is taken by that worker and by whoever looks at the
/// numbers, and so no worker waits for another one.
final class Tally: Sendable {
  private let counts = Mutex(Counts())

  var value: Counts { counts.withLock { $0 } }

  /// Counts a delivery; another request is not counted.
  func add(_ request: DecidedRequest, sentBytes: Int) {
    guard request.isDeliveryOrUnknown, let answer = DeliveryAnswer(request.outcome) else { return }
    counts.withLock { $0.add(request, answer, sentBytes: sentBytes) }
  }

  /// Drops the numbers of instances that are no longer configured.
  func keepOnly(_ instances: Set<InstanceName>) {
    counts.withLock { $0.keepOnly(instances) }
  }
}

/// How many deliveries there were, and how long they took. Labels come only from the configuration and
/// the table of code words.
struct Counts {
  struct Labels: Hashable {
    /// Nil if the web server's configuration named none.
    let instance: InstanceName?
    let hook: Hook?
    let answer: DeliveryAnswer

    /// As Prometheus knows them.
    var list: [(name: String, value: String)] {
      [
        ("instance", instance?.description ?? ""), ("hook", hook?.rawValue ?? ""),
        ("code", answer.codeWord),
      ]
    }
  }

  struct Count {
    var number = 0
    var last = Timestamp(seconds: 0)
  }

  private(set) var deliveries: [Labels: Count] = [:]
  private(set) var hours = HourlyCounts()
  /// The last time that an event of a kind was stored.
  private(set) var lastStored: [StoredKind: Timestamp] = [:]
  private(set) var recent = RecentDeliveries()
  private(set) var all = Histogram()
  private(set) var deciding = Histogram()
  private(set) var publishing = Histogram()
  private(set) var sentBytes = 0

  fileprivate mutating func add(
    _ request: DecidedRequest, _ answer: DeliveryAnswer, sentBytes: Int
  ) {
    let now = request.decidedAt
    let labels = Labels(instance: request.instance, hook: request.hook, answer: answer)
    deliveries[labels, default: Count()].number += 1
    deliveries[labels]?.last = now
    if case .stored(let event) = request.outcome, let instance = request.instance {
      let kind = StoredKind(instance: instance, kind: event.kind)
      lastStored[kind] = now
      hours.add(.stored(kind), at: now.seconds)
    } else if answer.isRefusal {
      hours.add(.refused(request.instance), at: now.seconds)
    }
    recent.add(request)
    all.add(microseconds: request.times.all)
    deciding.add(microseconds: request.times.deciding)
    if let time = request.times.publishing { publishing.add(microseconds: time) }
    self.sentBytes += sentBytes
  }

  /// The sum of both.
  mutating func add(_ other: Counts) {
    deliveries.merge(other.deliveries) { one, other in
      Count(number: one.number + other.number, last: later(one.last, other.last))
    }
    hours.add(other.hours)
    lastStored.merge(other.lastStored, uniquingKeysWith: later)
    recent.add(other.recent)
    all.add(other.all)
    deciding.add(other.deciding)
    publishing.add(other.publishing)
    sentBytes += other.sentBytes
  }

  /// What the spool remembers from before the start.
  mutating func add(_ history: SpoolHistory) {
    hours.add(history.hours)
    lastStored.merge(history.lastStored, uniquingKeysWith: later)
  }

  mutating func keepOnly(_ instances: Set<InstanceName>) {
    func isKept(_ name: InstanceName?) -> Bool { name.map(instances.contains) ?? true }
    deliveries = deliveries.filter { isKept($0.key.instance) }
    lastStored = lastStored.filter { isKept($0.key.instance) }
    hours.keepOnly(isKept)
    recent.keepOnly(isKept)
  }
}

extension [Counts.Labels: Counts.Count] {
  /// In the order of the labels' texts.
  var inOrder: [(labels: Counts.Labels, count: Counts.Count)] {
    map { (labels: $0.key, count: $0.value) }.sorted {
      $0.labels.list.map(\.value).lexicographicallyPrecedes($1.labels.list.map(\.value))
    }
  }
}

/// Stored events of an instance that one hook takes, or that none does.
struct StoredKind: Hashable {
  let instance: InstanceName
  let kind: Hook?
}

func earlier(_ one: Timestamp, _ other: Timestamp) -> Timestamp {
  one.millisecondsSince1970 < other.millisecondsSince1970 ? one : other
}

func later(_ one: Timestamp, _ other: Timestamp) -> Timestamp {
  one.millisecondsSince1970 < other.millisecondsSince1970 ? other : one
}
