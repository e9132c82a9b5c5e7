internal import ServiceProcess
internal import WebhookCore

/// The last decisions. Of an unverified delivery nothing is here but code word, time and address.
struct RecentDeliveries {
  static let limit = 20

  struct Entry {
    let decidedAt: Timestamp
    let instance: InstanceName?
    let answer: DeliveryAnswer
    /// Nil unless the signature holds.
    let event: AcceptedEvent?
    let remoteAddress: String
    let microseconds: Int64
    let keptAs: String?
  }

  /// At most `limit`; the oldest lies at `next`, if there are so many.
  private var entries: [Entry] = []
  private var next = 0

  /// The newest first.
  var newestFirst: [Entry] {
    entries.sorted { $0.decidedAt.millisecondsSince1970 > $1.decidedAt.millisecondsSince1970 }
  }

  mutating func add(_ request: DecidedRequest) {
    guard let answer = DeliveryAnswer(request.outcome) else { return }
    let event: AcceptedEvent? =
      switch request.outcome {
      case .stored(let event), .duplicate(let event): event
      case .healthy, .shown, .refused: nil
      }
    let entry = Entry(
      decidedAt: request.decidedAt, instance: request.instance, answer: answer, event: event,
      remoteAddress: request.remoteAddress, microseconds: request.times.all,
      keptAs: request.keptAs)
    if entries.count < Self.limit {
      entries.append(entry)
    } else {
      entries[next] = entry
      next = (next + 1) % Self.limit
    }
  }

  mutating func add(_ other: RecentDeliveries) {
    entries = Array(
      (newestFirst + other.entries).sorted {
        $0.decidedAt.millisecondsSince1970 > $1.decidedAt.millisecondsSince1970
      }.prefix(Self.limit))
    next = 0
  }

  mutating func keepOnly(_ isKept: (InstanceName?) -> Bool) {
    entries = newestFirst.filter { isKept($0.instance) }.reversed()
    next = 0
  }
}
