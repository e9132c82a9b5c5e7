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
  let root: Directory
  private let open = Mutex<[EventState: Directory]>([:])
  /// The folder of `done` that was used last.
  private let today = Mutex<(name: String, folder: Directory)?>(nil)

  /// The names of what this process handles.
  private let inHand = Mutex<Set<String>>([])

  /// Changes nothing; folders that are missing are made when an event is moved there.
  /// - Throws: also if the instance's folder is not there, belongs to another user, or has a layout
  ///   that this version does not know.
  package init(
    of instance: InstanceName, in spool: String, calls: SystemCalls = SystemCalls()
  ) throws(SpoolError) {
    self.instance = instance
    root = try Directory(path: spool, calls: calls).directory(instance.description)
    try root.requireOwn()
    try root.requireFormat()
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

  /// Whether the instance's folder is still the one at its path.
  var isInPlace: Bool { root.isInPlace }

  /// Lets go of folders that were replaced or moved away: what lies at their paths now is opened
  /// when it is needed.
  func reopenFolders() {
    open.withLock { open in open = open.filter { $0.value.isInPlace } }
    today.withLock { if $0?.folder.isInPlace == false { $0 = nil } }
  }

  /// Looks at the folders as the responder does when it starts, before an event's handling could
  /// find out: each is there, can be written, and events can be moved there from where they are
  /// handled. What is missing is made.
  package func requireReady() throws(SpoolError) {
    try root.requireFormat()
    let cur = try folder(.cur)
    for state in EventState.allCases { try cur.requireUsable(folder(state)) }
  }

  /// Makes sure that an event that is finished now has a place to go to.
  package func requireToday(now: Timestamp) throws(SpoolError) {
    _ = try day(of: now)
  }

  // MARK: What there is to do

  /// Offers the names of all events in `state` to `names`.
  /// - Parameter number: the folder's, to `names`.
  func offerNames(
    in state: EventState, to names: NameList, as number: Int,
    where isWanted: (UnsafeRawBufferPointer) -> Bool = { _ in true }
  ) throws(SpoolError) {
    try existingFolder(state)?.forEachEventName { name in
      if names.mayKeep(name), isWanted(name) { names.offer(name, in: number) }
    }
  }

  package func count(in state: EventState) throws(SpoolError) -> Int {
    var count = 0
    try existingFolder(state)?.forEachEventName { _ in count += 1 }
    return count
  }

  /// Nil if there is none, or if what is there is none.
  /// - Throws: if it cannot be read: what it says then is not known.
  package func record(of name: String, in state: EventState) throws(SpoolError) -> AttemptRecord? {
    do throws(SpoolError) {
      guard let folder = try existingFolder(state) else { return nil }
      let line = try folder.contents(
        of: AttemptRecord.fileName(for: name), maxBytes: SpoolLayout.maximumRecordBytes)
      return AttemptRecord(line: line)
    } catch  where error.errno == ENOENT || error.errno == nil {
      return nil
    }
  }

  /// When an event last came into `state` or went; nil if the folder is missing.
  func changeTime(of state: EventState) throws(SpoolError) -> timespec? {
    try existingFolder(state)?.changeTime()
  }

  // MARK: Claiming

  /// Claims an event that lies in `new`, `defer` or, left there by a consumer that died, `cur`.
  /// - Returns: nil if it is not there any more, or somebody else has it.
  package func claim(_ name: String, in state: EventState) throws(SpoolError) -> ClaimedEvent? {
    // A handler that writes its file anew leaves one there that nobody holds.
    guard state != .cur || !inHand.withLock({ $0.contains(name) }),
      case .mine(let file) = try hold(name, in: state)
    else { return nil }
    // What is new has no record.
    let record = state == .new ? nil : try record(of: name, in: .defer)
    let claimed = ClaimedEvent(
      consumer: self, fileName: name, path: "\(path(of: .cur))/\(name)", record: record,
      // An event found in cur/ goes back to where it can have come from.
      origin: state == .cur ? (record == nil ? .new : .defer) : state, wasInHand: state == .cur,
      file: file)
    if state == .cur { return claimed }
    do throws(SpoolError) {
      guard try move(name, from: state, to: .cur) else { return nil }
    } catch  where error.errno == ENOENT {
      return nil
    }
    do throws(SpoolError) {
      // A publisher may have put another file in its place before the move: the next look finds that.
      return try isSame(claimed.file, as: name, in: folder(.cur)) ? claimed : nil
    } catch {
      try? claimed.release()
      throw error
    }
  }

  /// - Parameter isInHand: whether this process handles it.
  func mark(_ name: String, isInHand: Bool) {
    inHand.withLock { names in
      if isInHand { names.insert(name) } else { names.remove(name) }
    }
  }

  /// What came of trying to take an event's lock.
  package enum Hold: ~Copyable {
    /// It is ours as long as the descriptor is open.
    case mine(FileDescriptor)
    case somebodyElses
    /// No event lies there.
    case gone
  }

  /// Opens and locks the event where it lies.
  package func hold(_ name: String, in state: EventState) throws(SpoolError) -> Hold {
    try hold(name, in: folder(state))
  }

  private func hold(_ name: String, in folder: Directory) throws(SpoolError) -> Hold {
    do throws(SpoolError) {
      let file = try folder.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, on: .event)
      let raw = file.raw
      guard flock(raw, LOCK_EX | LOCK_NB) == 0 else {
        guard errno != EWOULDBLOCK else { return .somebodyElses }
        throw SpoolError(.call(.flock, errno: errno), folder.child(name), of: .event)
      }
      // Between open and lock it may have been handled and moved by another.
      guard try isSame(file, as: name, in: folder) else { return .gone }
      return .mine(file)
    } catch  where error.errno == ENOENT {
      return .gone
    } catch  where error.errno == ELOOP || error.errno == ENXIO {
      throw SpoolError(.noPlainFile, folder.child(name), of: .event)
    }
  }

  /// Whether the file `name` is the open one.
  /// - Throws: `noPlainFile` if it is no plain file.
  func isSame(
    _ file: borrowing FileDescriptor, as name: String, in folder: Directory
  ) throws(SpoolError) -> Bool {
    let raw = file.raw
    var status = stat()
    try calling(.fstat, folder.child(name), on: .event) { fstat(raw, &status) }
    guard let there = try folder.status(of: name), there.st_ino == status.st_ino,
      there.st_dev == status.st_dev
    else { return false }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SpoolError(.noPlainFile, folder.child(name), of: .event)
    }
    return true
  }

  // MARK: By hand

  /// Moves an event that nobody handles to `done`, durably once `sync` has been called.
  package func finish(_ name: String, in state: EventState, now: Timestamp) throws(SpoolError) {
    try moveToDone(name, from: state, now: now)
    try removeRecord(of: name, in: state == .dead ? .dead : .defer)
  }

  /// Moves an event that nobody handles to `new`, as if it had just come.
  package func retry(_ name: String, in state: EventState) throws(SpoolError) {
    _ = try move(name, from: state, to: .new)
    try removeRecord(of: name, in: state)
  }

  /// Removes an event that nobody handles, for good.
  func remove(_ name: String, in state: EventState) throws(SpoolError) {
    let folder = try folder(state)
    try folder.touchingOneEvent { () throws(SpoolError) in try folder.remove(name) }
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
    do throws(SpoolError) {
      _ = try move(name, from: state, to: day(of: now))
    } catch  where error.errno == ENOENT {
      // The day's folder may have been removed.
      today.withLock { $0 = nil }
      _ = try move(name, from: state, to: day(of: now))
    }
  }

  private func day(of now: Timestamp) throws(SpoolError) -> Directory {
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

  func removeRecord(of name: String, in state: EventState) throws(SpoolError) {
    let folder = try folder(state)
    try folder.touchingOneEvent { () throws(SpoolError) in
      try folder.removeIfThere(AttemptRecord.fileName(for: name))
    }
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
