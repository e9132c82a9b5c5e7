internal import Glibc
internal import WebhookCore

/// What is due in one instance's `defer/`. The records are read once each, and the folder only if
/// something came or went, or comes due: many events that wait cost next to nothing.
struct DeferScan {
  /// So many records are read in one look, if another one comes.
  private static let recordsPerLook = 100_000

  /// By the name's hash. If two names had one, an event would be tried too early, and put back.
  private var known: [Int: AttemptTimes] = [:]
  /// The folder's at the last complete scan.
  private var changeTime: timespec?
  /// Nothing is due between these times.
  private var idle: Range<Int64> = 0..<0

  /// Its record has changed.
  mutating func forget(_ name: UnsafeRawBufferPointer) {
    known[hash(name)] = nil
    changeTime = nil
  }

  /// Offers the names of events that are due to `names`.
  /// - Parameters:
  ///   - number: the folder's, to `names`.
  ///   - isPatient: look at some only, for there will be another call.
  ///   - last: only names behind this one.
  mutating func offerDue(
    of consumer: EventConsumer, to names: NameList, as number: Int, now: Timestamp,
    isPatient: Bool, after last: NameList.Name? = nil
  ) throws(SpoolError) {
    guard let time = try consumer.changeTime(of: .defer) else { return }
    if let changeTime, isEqual(changeTime, time), idle.contains(now.seconds) { return }
    var left = isPatient ? Self.recordsPerLook : .max
    var seen: [Int: AttemptTimes] = [:]
    var hasDue = false
    var (latest, earliest) = (Int64.min, Int64.max)
    try consumer.offerNames(in: .defer, to: names, as: number) { name in
      let key = hash(name)
      if seen[key] == nil {
        if let times = known[key] {
          seen[key] = times
        } else if left > 0 {
          left -= 1
          seen[key] = times(of: name, consumer, now)
        } else {
          return false
        }
      }
      guard let times = seen[key] else { return true }
      if times.isDue(now) {
        hasDue = true
        return last.map { precedes($0.bytes, name) } ?? true
      }
      latest = max(latest, times.last)
      earliest = min(earliest, times.next)
      return false
    }
    known = seen
    // Behind the last name that `names` has room for, nothing was looked at.
    let isComplete = left > 0 && !hasDue && !names.isCut
    changeTime = isComplete && isSettled(time, now) ? time : nil
    idle = latest < earliest ? latest..<earliest : 0..<0
  }

  /// A name without a record that says otherwise is due. If it cannot be read, the claim will say why.
  private func times(
    of name: UnsafeRawBufferPointer, _ consumer: EventConsumer, _ now: Timestamp
  ) -> AttemptTimes {
    let name = String(decoding: name, as: UTF8.self)
    guard let record = try? consumer.record(of: name, in: .defer), !record.isDue(now),
      record.nextAttempt != nil
    else { return .always }
    return AttemptTimes(last: record.lastAttempt, next: record.nextAttempt)
  }
}

/// When an event was tried, and when it is to be.
struct AttemptTimes {
  let last, next: Int64

  static let always = AttemptTimes(last: .min, next: .min)
  static let never = AttemptTimes(last: .min, next: .max)

  private init(last: Int64, next: Int64) {
    (self.last, self.next) = (last, next)
  }

  init(last: Timestamp?, next: Timestamp?) {
    (self.last, self.next) = (last?.seconds ?? .min, next?.seconds ?? .min)
  }

  func isDue(_ now: Timestamp) -> Bool { next <= now.seconds || last > now.seconds }
}

func hash(_ name: UnsafeRawBufferPointer) -> Int {
  var hasher = Hasher()
  hasher.combine(bytes: name)
  return hasher.finalize()
}
