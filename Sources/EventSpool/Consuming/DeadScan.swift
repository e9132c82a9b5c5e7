internal import Glibc
internal import WebhookCore

/// What is in one instance's `dead/`, and nobody was told of yet. A record is read again only if it
/// is another file than before, and the folder only if something came or went, or comes due.
struct DeadScan {
  private struct Known {
    let record: FileVersion?
    let times: AttemptTimes
  }

  /// By the name's hash. If two names had one, each would be read at every look.
  private var known: [Int: Known] = [:]
  /// The folder's at the last complete scan.
  private var changeTime: timespec?
  /// Nothing is due between these times.
  private var idle: Range<Int64> = 0..<0

  /// Offers the names of events that somebody is to be told of now to `names`.
  /// - Parameters:
  ///   - number: the folder's, to `names`.
  ///   - last: only names behind this one.
  mutating func offerDue(
    of consumer: EventConsumer, to names: NameList, as number: Int, now: Timestamp,
    after last: NameList.Name? = nil
  ) throws(SpoolError) {
    guard let time = try consumer.changeTime(of: .dead) else { return }
    if let changeTime, isEqual(changeTime, time), idle.contains(now.seconds) { return }
    var seen: [Int: Known] = [:]
    var hasDue = false
    var (latest, earliest) = (Int64.min, Int64.max)
    try consumer.offerNames(in: .dead, to: names, as: number) { name in
      let key = hash(name)
      let entry = known(name, key, consumer, now)
      seen[key] = entry
      if entry.times.isDue(now) {
        hasDue = true
        return last.map { precedes($0.bytes, name) } ?? true
      }
      latest = max(latest, entry.times.last)
      earliest = min(earliest, entry.times.next)
      return false
    }
    known = seen
    // Behind the last name that `names` has room for, nothing was looked at.
    changeTime = !hasDue && !names.isCut && isSettled(time, now) ? time : nil
    idle = latest < earliest ? latest..<earliest : 0..<0
  }

  /// If its record cannot be read, the claim will say why.
  private func known(
    _ name: UnsafeRawBufferPointer, _ key: Int, _ consumer: EventConsumer, _ now: Timestamp
  ) -> Known {
    let name = String(decoding: name, as: UTF8.self)
    let file = AttemptRecord.fileName(for: name)
    let record = (try? consumer.existingFolder(.dead)?.status(of: file)).map(FileVersion.init)
    if let known = known[key], known.record == record { return known }
    let notice = (try? consumer.record(of: name, in: .dead))?.notice ?? Notice()
    return Known(
      record: record,
      times: notice.isTold
        ? .never
        : notice.isDue(now)
          ? .always : AttemptTimes(last: notice.lastAttempt, next: notice.nextAttempt))
  }
}
