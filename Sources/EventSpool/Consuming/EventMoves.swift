internal import Glibc
internal import StrictJSON
internal import Synchronization
internal import WebhookCore

/// The single steps of an event from one folder to the next, and of its record.
extension EventConsumer {
  func moveToDone(_ name: String, from state: EventState, now: Timestamp) throws(SpoolError) {
    do throws(SpoolError) {
      _ = try move(name, from: state, to: day(of: now))
    } catch  where error.errno == ENOENT {
      // The day's folder may have been removed.
      today.withLock { $0 = nil }
      _ = try move(name, from: state, to: day(of: now))
    }
  }

  func day(of now: Timestamp) throws(SpoolError) -> Directory {
    let name = String(now.rfc3339.prefix(10))
    let last = today.withLock { $0 }
    if let last, last.name == name { return last.folder }
    try last?.folder.sync()
    let done = try folder(.done)
    let isNew = try !done.contains(name)
    let day = try done.directory(makingIfMissing: name)
    try done.requireUsable(day)
    if isNew { try done.sync() }
    today.withLock { $0 = (name, day) }
    return day
  }

  /// As `move` to an open folder.
  func move(
    _ name: String, from state: EventState, to target: EventState
  ) throws(SpoolError) -> Bool {
    try move(name, from: state, to: folder(target))
  }

  /// A target that exists is the same event, for a name is a function of the event: the older
  /// stays.
  /// - Returns: false if it was there.
  private func move(
    _ name: String, from state: EventState, to target: Directory
  ) throws(SpoolError) -> Bool {
    let source = try folder(state)
    return try source.touchingOneEvent(and: target) { () throws(SpoolError) in
      if try source.move(name, to: target) { return true }
      guard target.holds(name, as: source) else {
        throw SpoolError(.nameIsTaken, target.child(name), of: .event)
      }
      try source.remove(name)
      return false
    }
  }

  /// Before the event moves, so that a crash in between forgets no attempt.
  func writeRecord(
    _ record: AttemptRecord, of name: String, in state: EventState
  ) throws(SpoolError) {
    let folder = try folder(state)
    try folder.touchingOneEvent { () throws(SpoolError) in
      try folder.replaceDurably(AttemptRecord.fileName(for: name), with: record.line)
    }
  }

  /// Adds the notice to the record of an event in `dead`. All else in the record stays, also what a
  /// newer version has written; an event without a record gets one.
  func write(_ notice: Notice, of name: String) throws(SpoolError) {
    let folder = try folder(.dead)
    let file = AttemptRecord.fileName(for: name)
    var old = AttemptRecord().json
    do throws(SpoolError) {
      let line = try folder.contents(of: file, maxBytes: SpoolLayout.maximumRecordBytes)
      if AttemptRecord(line: line) != nil, let object = (try? JSONValue(parsing: line))?.object {
        old = object
      }
    } catch  where error.errno == ENOENT || error.errno == nil {}
    var line = old.noting(notice).line
    // A longer one would not be read, and somebody be told again and again.
    if line.count > SpoolLayout.maximumRecordBytes {
      line = AttemptRecord().json.noting(notice).line
    }
    try folder.touchingOneEvent { () throws(SpoolError) in
      try folder.replaceDurably(file, with: line)
    }
  }

  /// One that cannot be removed is a record without an event from then on, as a crash leaves it: what
  /// has become of the event holds all the same. Pruning names it.
  func removeRecord(of name: String, in state: EventState) throws(SpoolError) {
    guard AttemptRecord.hasRoom(for: name) else { return }
    let folder = try folder(state)
    do throws(SpoolError) {
      try folder.touchingOneEvent { () throws(SpoolError) in
        try folder.removeIfThere(AttemptRecord.fileName(for: name))
      }
    } catch  where error.concern == .event {}
  }
}

extension JSONObject {
  /// A record with this notice.
  fileprivate func noting(_ notice: Notice) -> JSONObject {
    removing("notice").appending("notice", .object(notice.json))
  }
}

extension Directory {
  /// Whether the file `name` is the event that `other` has under that name. Two files of one event
  /// may differ in how and when it came.
  fileprivate func holds(_ name: String, as other: Directory) -> Bool {
    // What cannot be read is not taken for it.
    let limit = SpoolLayout.maximumEventBytes
    guard let here = try? contents(of: name, maxBytes: limit),
      let there = try? other.contents(of: name, maxBytes: limit)
    else { return false }
    guard let event = StoredEvent(line: here), let same = StoredEvent(line: there) else {
      return here == there
    }
    return event[.id] == same[.id] && event[.source] == same[.source]
  }
}
