internal import Glibc
package import WebhookCore

/// Removes what nobody needs any more from an instance's folder of the spool. Nothing is removed that
/// is young beside the newest event's own time: a clock that is ahead removes nothing.
package struct Pruning {
  private let consumer: EventConsumer
  private let olderThanSeconds: Int64
  private let now: Timestamp
  private let isDryRun: Bool
  /// The time of the newest event, by the sender's clock.
  private let newest: Int64
  /// An event of a later time than this is young beside it. As event files' names begin.
  private let youngAfter: [UInt8]
  /// Whether to go on with the next file.
  private let mayGoOn: () -> Bool
  /// Told of each file that could not be removed; the others are.
  private let report: (SpoolError) -> Void

  /// - Parameters:
  ///   - seconds: how old what is removed is at least.
  ///   - isDryRun: only counts.
  package init(
    of consumer: EventConsumer, olderThanSeconds seconds: Int64, now: Timestamp, isDryRun: Bool,
    mayGoOn: @escaping () -> Bool = { true }, report: @escaping (SpoolError) -> Void
  ) throws(SpoolError) {
    self.consumer = consumer
    olderThanSeconds = max(0, seconds)
    self.now = now
    self.isDryRun = isDryRun
    self.mayGoOn = mayGoOn
    self.report = report
    newest = try consumer.newestOwnTime() ?? now.seconds
    youngAfter = Array(CalendarDate(secondsSince1970: newest - olderThanSeconds).basic.utf8)
  }

  /// The days in `done` that ended so long ago, the oldest first. Never today.
  package func finishedDays() throws(SpoolError) -> [String] {
    guard let done = try consumer.existingFolder(.done) else { return [] }
    var days: [String] = []
    for day in try done.names() {
      // A link is not followed: what lies behind it is somebody else's.
      guard let status = try done.status(of: day), status.st_mode & S_IFMT == S_IFDIR,
        let end = endOfDay(day), end <= now.seconds - olderThanSeconds
      else { continue }
      days.append(day)
    }
    return days.sorted()
  }

  private func endOfDay(_ day: String) -> Int64? {
    CalendarDate.seconds(rfc3339: "\(day)T00:00:00Z").map { $0 + 86_400 }
  }

  /// How many files there are in that day's folder.
  package func count(ofDay day: String) throws(SpoolError) -> Int {
    var count = 0
    try consumer.folder(.done).directory(day).forEachEventName { _ in count += 1 }
    return count
  }

  /// Removes the events of that day. Nobody handles them any more, so none is asked for its lock.
  /// - Parameter step: called for each.
  /// - Returns: how many there were.
  package func prune(day: String, step: () -> Void) throws(SpoolError) -> Int {
    let done = try consumer.folder(.done)
    let folder = try done.directory(day)
    let isOld = (endOfDay(day) ?? .max) <= newest - olderThanSeconds
    var count = 0
    var failure: SpoolError?
    try folder.forEachName { name in
      guard mayGoOn() else { return false }
      guard isEventsName(name), isOld || !isYoung(name) else { return true }
      step()
      if !isDryRun {
        do throws(SpoolError) {
          try folder.touchingOneEvent { () throws(SpoolError) in try folder.remove(name) }
        } catch  where error.errno == ENOENT {
          return true
        } catch  where error.concern == .event {
          report(error)
          return true
        } catch {
          failure = error
          return false
        }
      }
      count += 1
      return true
    }
    if let failure { throw failure }
    if !isDryRun {
      do throws(SpoolError) {
        try done.removeDirectory(day)
      } catch  where error.errno == ENOTEMPTY || error.errno == ENOENT {}
    }
    return count
  }

  /// Removes the events in `dead` whose last attempt, or else whose time, lies that far back. One
  /// that a process holds is not touched.
  /// - Returns: how many there were.
  package func pruneDead() throws(SpoolError) -> Int {
    let names = NameList()
    try consumer.offerNames(in: .dead, to: names, as: 0) { !isYoung($0) }
    var count = 0
    for name in names.sorted().map(\.text) where mayGoOn() {
      do throws(SpoolError) {
        if try isLongDead(name), try removeDead(name) { count += 1 }
      } catch  where error.concern == .event {
        report(error)
      }
    }
    return count
  }

  private func isLongDead(_ name: String) throws(SpoolError) -> Bool {
    let lastAttempt = try consumer.record(of: name, in: .dead)?.lastAttempt?.seconds
    guard let time = lastAttempt ?? EventFileName(parsing: name)?.issuedSeconds else {
      return false
    }
    return time <= now.seconds - olderThanSeconds
  }

  private func removeDead(_ name: String) throws(SpoolError) -> Bool {
    if isDryRun { return true }
    guard case .mine(let held) = try consumer.hold(name, in: .dead) else { return false }
    try consumer.remove(name, in: .dead)
    _ = consume held
    return true
  }

  /// Removes records of events that are not there any more, and drafts of records: a crash leaves
  /// them, or a consumer that has taken its event away.
  /// - Returns: how many there were.
  package func pruneRecords() throws(SpoolError) -> Int {
    var count = 0
    for state in [EventState.defer, .dead] {
      guard let folder = try consumer.existingFolder(state) else { continue }
      var records: [(file: String, event: String)] = []
      try folder.forEachName { name in
        if let file = String(validating: name, as: UTF8.self),
          let event = AttemptRecord.eventName(ofFile: file)
        {
          records.append((file, event))
        }
        return true
      }
      for (file, event) in records where mayGoOn() {
        if try isThere(event, state) { continue }
        do throws(SpoolError) {
          if !isDryRun {
            try folder.touchingOneEvent { () throws(SpoolError) in try folder.removeIfThere(file) }
          }
          count += 1
        } catch  where error.concern == .event {
          report(error)
        }
      }
    }
    return count
  }

  /// Whether the event is where its record says, or in hand. It may move meanwhile, so it is looked
  /// for on its way.
  private func isThere(_ event: String, _ state: EventState) throws(SpoolError) -> Bool {
    for place in [EventState.new, .cur, state, .cur] {
      if try consumer.existingFolder(place)?.contains(event) ?? false { return true }
    }
    return false
  }

  private func isYoung(_ name: UnsafeRawBufferPointer) -> Bool {
    beginsWithTime(name) && youngAfter.withUnsafeBytes { !precedes(name, $0) && !isEqual(name, $0) }
  }
}

/// Whether the name begins with this very time.
private func isEqual(_ name: UnsafeRawBufferPointer, _ time: UnsafeRawBufferPointer) -> Bool {
  name.prefix(time.count).elementsEqual(time)
}

extension EventConsumer {
  /// The time of the newest event that there is, or whose hour is remembered, by the sender's clock;
  /// nil if there is none.
  fileprivate func newestOwnTime() throws(SpoolError) -> Int64? {
    var newest: [UInt8] = []
    func take(_ name: UnsafeRawBufferPointer) {
      guard beginsWithTime(name) else { return }
      let time = UnsafeRawBufferPointer(rebasing: name.prefix(16))
      if newest.isEmpty || newest.withUnsafeBytes({ precedes($0, time) }) { newest = Array(time) }
    }
    for state in EventState.allCases where state != .done {
      try existingFolder(state)?.forEachEventName(take)
    }
    if let done = try existingFolder(.done) {
      for day in try done.names() {
        do throws(SpoolError) {
          try done.directory(day).forEachEventName(take)
        } catch {}  // pruned, or no day's; else that day's pruning says why
      }
    }
    let events = CalendarDate.seconds(atBasicTime: String(decoding: newest, as: UTF8.self))
    let hours =
      try root.contains(SpoolLayout.ids)
      ? root.directory(SpoolLayout.ids).names().compactMap(CalendarDate.seconds(atBasicHour:)) : []
    return ([events].compactMap { $0 } + hours).max()
  }
}
