internal import Glibc
internal import Synchronization
package import WebhookCore

/// A consumer's way through an instance's folder of the spool: claims events, and moves each to where
/// it belongs when it has been handled. Any number of them, in any number of processes and threads,
/// may work on one instance: an event is claimed by one of them.
///
/// After a power cut an event lies in one of the folders it was moved between, and may be handled
/// again.
package final class EventConsumer: Sendable {
  package let instance: InstanceName
  private let spool: Directory
  private let root: Directory
  private let folders: [EventState: Directory]
  /// The folder of `done` that was used last.
  private let today = Mutex<(name: String, folder: Directory)?>(nil)

  /// - Throws: also if the instance's folder is not there, or belongs to another user.
  package init(
    of instance: InstanceName, in spool: String, calls: SystemCalls = SystemCalls()
  ) throws(SystemError) {
    self.instance = instance
    self.spool = try Directory(path: spool, calls: calls)
    root = try self.spool.directory(instance.description)
    guard let owner = try root.status(of: ".")?.st_uid, owner == geteuid() else {
      throw SystemError(call: "claim", path: root.path, errno: EPERM)
    }
    var folders: [EventState: Directory] = [:]
    for state in EventState.allCases {
      folders[state] = try root.directory(makingIfMissing: state.rawValue)
    }
    self.folders = folders
  }

  func folder(_ state: EventState) -> Directory {
    guard let folder = folders[state] else { preconditionFailure("every state has its folder") }
    return folder
  }

  /// Whether the instance's folder is still the one in the spool.
  func isInPlace() throws(SystemError) -> Bool {
    guard let there = try spool.status(of: instance.description),
      let ours = try root.status(of: ".")
    else { return false }
    return there.st_ino == ours.st_ino && there.st_dev == ours.st_dev
  }

  /// The folder's path, as the spool was named.
  package func path(of state: EventState) -> String { folder(state).path }

  // MARK: What there is to do

  /// The oldest events in `state`, in their order, from behind the name `start` on. Others may claim
  /// them meanwhile.
  package func oldest(
    _ limit: Int, in state: EventState, after start: String? = nil
  ) throws(SystemError) -> [String] {
    // Ours are ASCII; a name that is no text could not be asked for again.
    try folder(state).oldestEventNames(limit, from: start) {
      $0 != start && $0.utf8.allSatisfy { $0 < 0x80 }
    }
  }

  package func count(in state: EventState) throws(SystemError) -> Int {
    var count = 0
    try folder(state).forEachName { name in
      if isEventName(name) { count += 1 }
      return true
    }
    return count
  }

  package func record(of name: String, in state: EventState) -> AttemptRecord? {
    (try? folder(state).contents(of: AttemptRecord.fileName(for: name), maxBytes: 65_536))
      .flatMap(AttemptRecord.init(line:))
  }

  // MARK: Claiming

  /// Claims an event that lies in `new`, `defer` or, left there by a consumer that died, `cur`.
  /// - Returns: nil if somebody else has it.
  package func claim(_ name: String, in state: EventState) throws(SystemError) -> ClaimedEvent? {
    guard let file = try hold(name, in: state) else { return nil }
    let record = record(of: name, in: .defer) ?? AttemptRecord()
    let claimed = ClaimedEvent(
      instance: instance, fileName: name, path: folder(.cur).child(name), record: record,
      // What is found in cur/ goes back to where it can have come from.
      origin: state == .cur ? (record == AttemptRecord() ? .new : .defer) : state, file: file)
    if state == .cur { return claimed }
    do throws(SystemError) {
      guard try move(name, from: state, to: folder(.cur)) else { return nil }
    } catch  where error.errno == ENOENT {
      return nil
    }
    // A publisher may have put another file in its place before the move: the next look finds that.
    return try isSame(claimed.file, as: name, in: folder(.cur)) ? claimed : nil
  }

  /// Opens and locks the event where it lies.
  /// - Returns: nil if it is not there, or somebody else has it.
  package func hold(_ name: String, in state: EventState) throws(SystemError) -> FileDescriptor? {
    try hold(name, in: folder(state))
  }

  func hold(_ name: String, in folder: Directory) throws(SystemError) -> FileDescriptor? {
    do throws(SystemError) {
      let file = try folder.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      let raw = file.raw
      guard flock(raw, LOCK_EX | LOCK_NB) == 0 else { return nil }
      // Between open and lock it may have been handled and moved by another.
      guard try isSame(file, as: name, in: folder) else { return nil }
      return file
    } catch  where error.errno == ENOENT || error.errno == ELOOP {
      return nil
    }
  }

  /// Whether the plain file `name` is the open one.
  private func isSame(
    _ file: borrowing FileDescriptor, as name: String, in folder: Directory
  ) throws(SystemError) -> Bool {
    let raw = file.raw
    var status = stat()
    try checked("fstat", folder.child(name)) { fstat(raw, &status) }
    guard let there = try folder.status(of: name) else { return false }
    return there.st_ino == status.st_ino && there.st_dev == status.st_dev
      && status.st_mode & S_IFMT == S_IFREG
  }

  // MARK: Settling

  /// The event was handled. What its handler has moved or removed itself is handled, too: a consumer
  /// may do with its file what it likes.
  package func finish(_ event: ClaimedEvent, now: Timestamp) throws(SystemError) {
    try settle(event) { () throws(SystemError) in
      try finish(event.fileName, in: .cur, now: now)
    }
    try removeRecord(of: event.fileName, in: .defer)
  }

  /// To be tried again at the record's next attempt. Where no record can be kept of it, it is given
  /// up: it would be tried again for ever.
  package func putOff(_ event: ClaimedEvent, _ record: AttemptRecord) throws(SystemError) {
    do throws(SystemError) {
      try writeRecord(record, of: event.fileName, in: .defer)
    } catch  where error.concernsOneFile {
      try settle(event) { () throws(SystemError) in
        _ = try move(event.fileName, from: .cur, to: folder(.dead))
      }
      return
    }
    let isThere = try settle(event) { () throws(SystemError) in
      _ = try move(event.fileName, from: .cur, to: folder(.defer))
    }
    if !isThere { try removeRecord(of: event.fileName, in: .defer) }
  }

  /// Not to be tried again unless somebody asks for it.
  package func giveUp(_ event: ClaimedEvent, _ record: AttemptRecord) throws(SystemError) {
    do throws(SystemError) {
      try writeRecord(record, of: event.fileName, in: .dead)
    } catch  where error.concernsOneFile {}
    let isThere = try settle(event) { () throws(SystemError) in
      _ = try move(event.fileName, from: .cur, to: folder(.dead))
    }
    if !isThere { try removeRecord(of: event.fileName, in: .dead) }
    try removeRecord(of: event.fileName, in: .defer)
  }

  /// For a file under an event's name that holds no event.
  package func giveUpWhatIsNoEvent(
    _ event: ClaimedEvent, now: Timestamp
  ) throws(SystemError) {
    var record = event.record
    record.ending = .noEvent
    record.lastAttempt = now
    try giveUp(event, record)
  }

  /// - Returns: false if its handler has taken the file away.
  @discardableResult
  private func settle(
    _ event: ClaimedEvent, _ move: () throws(SystemError) -> Void
  ) throws(SystemError) -> Bool {
    do throws(SystemError) {
      try move()
      return true
    } catch  where error.errno == ENOENT {
      guard try folder(.cur).status(of: event.fileName) == nil else { throw error }
      return false
    }
  }

  /// As if it had never been claimed.
  package func release(_ event: ClaimedEvent) throws(SystemError) {
    try settle(event) { () throws(SystemError) in
      _ = try move(event.fileName, from: .cur, to: folder(event.origin))
    }
  }

  // MARK: By hand

  /// Moves an event that nobody handles to `done`, durably once `sync` has been called.
  package func finish(_ name: String, in state: EventState, now: Timestamp) throws(SystemError) {
    let day = String(now.rfc3339.prefix(10))
    do throws(SystemError) {
      _ = try move(name, from: state, to: self.day(day))
    } catch  where error.errno == ENOENT {
      // The day's folder may have been removed.
      today.withLock { $0 = nil }
      _ = try move(name, from: state, to: self.day(day))
    }
    if state == .dead || state == .defer { try removeRecord(of: name, in: state) }
  }

  /// Moves an event that nobody handles to `new`, as if it had just come.
  package func retry(_ name: String, in state: EventState) throws(SystemError) {
    _ = try move(name, from: state, to: folder(.new))
    try removeRecord(of: name, in: state)
  }

  /// Removes an event that nobody handles, for good.
  func remove(_ name: String, in state: EventState) throws(SystemError) {
    try folder(state).remove(name)
    try removeRecord(of: name, in: state)
  }

  /// Makes every move so far durable.
  package func sync() throws(SystemError) {
    // Targets before sources: a name is then found at least once.
    try today.withLock({ $0?.folder })?.sync()
    for state in [EventState.new, .done, .dead, .defer, .cur] { try folder(state).sync() }
  }

  // MARK: Steps

  private func day(_ name: String) throws(SystemError) -> Directory {
    let last = today.withLock { $0 }
    if let last, last.name == name { return last.folder }
    try last?.folder.sync()
    let done = folder(.done)
    let isNew = try !done.contains(name)
    let day = try done.directory(makingIfMissing: name)
    if isNew { try done.sync() }
    today.withLock { $0 = (name, day) }
    return day
  }

  /// A target that exists is the same event, for a name is a function of the event: the older stays.
  /// - Returns: false if it was there.
  private func move(
    _ name: String, from state: EventState, to target: Directory
  ) throws(SystemError) -> Bool {
    if try folder(state).move(name, to: target) { return true }
    // Unless something else was put there under its name.
    guard target.holds(name, as: folder(state)) else {
      throw SystemError(call: "renameat2", path: target.child(name), errno: EEXIST)
    }
    try folder(state).remove(name)
    return false
  }

  /// Before the event moves, so that a crash in between forgets no attempt.
  private func writeRecord(
    _ record: AttemptRecord, of name: String, in state: EventState
  ) throws(SystemError) {
    try folder(state).replaceDurably(AttemptRecord.fileName(for: name), with: record.line)
  }

  private func removeRecord(of name: String, in state: EventState) throws(SystemError) {
    do throws(SystemError) {
      try folder(state).remove(AttemptRecord.fileName(for: name))
    } catch  where error.errno == ENOENT {}
  }
}

extension Directory {
  /// Whether the file `name` is the event that `other` has under that name. Two files of one event may
  /// differ in how and when it came.
  fileprivate func holds(_ name: String, as other: Directory) -> Bool {
    // What cannot be read is not taken for it.
    guard let here = try? contents(of: name, maxBytes: 1 << 20),
      let there = try? other.contents(of: name, maxBytes: 1 << 20)
    else { return false }
    guard let event = StoredEvent(line: here), let same = StoredEvent(line: there) else {
      return here == there
    }
    return event["id"] == same["id"] && event["source"] == same["source"]
  }
}
