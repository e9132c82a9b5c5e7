internal import Glibc
package import LinuxSystem
internal import Synchronization
package import WebhookCore

/// A consumer's way into an instance's folder of the spool: finds events, claims them, and moves
/// them by hand. A claimed event settles itself (`ClaimedEvent`). Any number of consumers, in any
/// number of processes and threads, may work on one instance: an event is claimed by one of them.
///
/// After a power cut an event lies in one of the folders it was moved between, and may be handled
/// again.
package final class EventConsumer: Sendable {
  package let instance: InstanceName
  private let spool: Directory
  private let root: Directory
  private let open = Mutex<[EventState: Directory]>([:])
  /// The folder of `done` that was used last.
  private let today = Mutex<(name: String, folder: Directory)?>(nil)

  /// Changes nothing; folders that are missing are made when an event is moved there.
  /// - Throws: also if the instance's folder is not there, or belongs to another user.
  package init(
    of instance: InstanceName, in spool: String, calls: SystemCalls = SystemCalls()
  ) throws(SpoolError) {
    self.instance = instance
    self.spool = try Directory(path: spool, calls: calls)
    root = try self.spool.directory(instance.description)
    try root.requireOwn()
  }

  // MARK: Folders

  /// The folder of `state`, made if it is missing.
  func folder(_ state: EventState) throws(SpoolError) -> Directory {
    if let folder = open.withLock({ $0[state] }) { return folder }
    let folder = try root.directory(makingIfMissing: state.rawValue)
    open.withLock { $0[state] = folder }
    return folder
  }

  /// The folder of `state`; nil if it is missing.
  func existingFolder(_ state: EventState) throws(SpoolError) -> Directory? {
    if let folder = open.withLock({ $0[state] }) { return folder }
    return try root.contains(state.rawValue) ? folder(state) : nil
  }

  /// The folder's path, as the spool was named.
  package func path(of state: EventState) -> String { root.child(state.rawValue) }

  /// Whether the instance's folder is still the one in the spool.
  func isInPlace() throws(SpoolError) -> Bool {
    guard let there = try spool.status(of: instance.description),
      let ours = try root.status(of: ".")
    else { return false }
    return there.st_ino == ours.st_ino && there.st_dev == ours.st_dev
  }

  // MARK: What there is to do

  /// The oldest events in `state`, in their order, from behind the name `start` on. Others may
  /// claim them meanwhile.
  package func oldest(
    _ limit: Int, in state: EventState, after start: String? = nil
  ) throws(SpoolError) -> [String] {
    // Our names are ASCII; a name that is not text could not be asked for again.
    try existingFolder(state)?.oldestEventNames(limit, from: start) {
      $0 != start && $0.utf8.allSatisfy { $0 < 0x80 }
    } ?? []
  }

  package func count(in state: EventState) throws(SpoolError) -> Int {
    var count = 0
    try existingFolder(state)?.forEachEventName { _ in count += 1 }
    return count
  }

  package func record(of name: String, in state: EventState) -> AttemptRecord? {
    (try? existingFolder(state)?.contents(
      of: AttemptRecord.fileName(for: name), maxBytes: SpoolLayout.maximumRecordBytes))
      .flatMap(AttemptRecord.init(line:))
  }

  // MARK: Claiming

  /// Claims an event that lies in `new`, `defer` or, left there by a consumer that died, `cur`.
  /// - Returns: nil if somebody else has it.
  package func claim(_ name: String, in state: EventState) throws(SpoolError) -> ClaimedEvent? {
    guard let file = try hold(name, in: state) else { return nil }
    // What is new has no record.
    let record = state == .new ? nil : record(of: name, in: .defer)
    let claimed = ClaimedEvent(
      consumer: self, fileName: name, path: "\(path(of: .cur))/\(name)", record: record,
      // An event found in cur/ goes back to where it can have come from.
      origin: state == .cur ? (record == nil ? .new : .defer) : state, file: file)
    if state == .cur { return claimed }
    do throws(SpoolError) {
      guard try move(name, from: state, to: .cur) else { return nil }
    } catch  where error.errno == ENOENT {
      return nil
    }
    // A publisher may have put another file in its place before the move: the next look finds that.
    return try isSame(claimed.file, as: name, in: folder(.cur)) ? claimed : nil
  }

  /// Opens and locks the event where it lies.
  /// - Returns: nil if it is not there, or somebody else has it.
  package func hold(_ name: String, in state: EventState) throws(SpoolError) -> FileDescriptor? {
    try hold(name, in: folder(state))
  }

  func hold(_ name: String, in folder: Directory) throws(SpoolError) -> FileDescriptor? {
    do throws(SpoolError) {
      let file = try folder.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, on: .event)
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
  ) throws(SpoolError) -> Bool {
    let raw = file.raw
    var status = stat()
    try calling(.fstat, folder.child(name), on: .event) { fstat(raw, &status) }
    guard let there = try folder.status(of: name) else { return false }
    return there.st_ino == status.st_ino && there.st_dev == status.st_dev
      && status.st_mode & S_IFMT == S_IFREG
  }

  // MARK: By hand

  /// Moves an event that nobody handles to `done`, durably once `sync` has been called.
  package func finish(_ name: String, in state: EventState, now: Timestamp) throws(SpoolError) {
    try moveToDone(name, from: state, now: now)
    if state == .dead || state == .defer { try removeRecord(of: name, in: state) }
  }

  /// Moves an event that nobody handles to `new`, as if it had just come.
  package func retry(_ name: String, in state: EventState) throws(SpoolError) {
    _ = try move(name, from: state, to: .new)
    try removeRecord(of: name, in: state)
  }

  /// Removes an event that nobody handles, for good.
  func remove(_ name: String, in state: EventState) throws(SpoolError) {
    try folder(state).remove(name)
    try removeRecord(of: name, in: state)
  }

  /// Makes every move so far durable.
  package func sync() throws(SpoolError) {
    // Targets before sources: a name is then found at least once.
    try today.withLock({ $0?.folder })?.sync()
    for state in [EventState.new, .done, .dead, .defer, .cur] {
      try open.withLock({ $0[state] })?.sync()
    }
  }

  // MARK: Steps

  func moveToDone(_ name: String, from state: EventState, now: Timestamp) throws(SpoolError) {
    let day = String(now.rfc3339.prefix(10))
    do throws(SpoolError) {
      _ = try move(name, from: state, to: self.day(day))
    } catch  where error.errno == ENOENT {
      // The day's folder may have been removed.
      today.withLock { $0 = nil }
      _ = try move(name, from: state, to: self.day(day))
    }
  }

  private func day(_ name: String) throws(SpoolError) -> Directory {
    let last = today.withLock { $0 }
    if let last, last.name == name { return last.folder }
    try last?.folder.sync()
    let done = try folder(.done)
    let isNew = try !done.contains(name)
    let day = try done.directory(makingIfMissing: name)
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
    if try source.move(name, to: target) { return true }
    guard target.holds(name, as: source) else {
      throw SpoolError(.nameIsTaken, target.child(name), of: .event)
    }
    try source.remove(name)
    return false
  }

  /// Before the event moves, so that a crash in between forgets no attempt.
  func writeRecord(
    _ record: AttemptRecord, of name: String, in state: EventState
  ) throws(SpoolError) {
    try folder(state).replaceDurably(AttemptRecord.fileName(for: name), with: record.line)
  }

  func removeRecord(of name: String, in state: EventState) throws(SpoolError) {
    try folder(state).removeIfThere(AttemptRecord.fileName(for: name))
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
