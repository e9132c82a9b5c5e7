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
  /// Counts what becomes of the events that are claimed here.
  let settled: SettledEvents
  private let open = Mutex<[EventState: Directory]>([:])
  /// The folder of `done` that was used last.
  let today = Mutex<(name: String, folder: Directory)?>(nil)

  /// The names of what this process handles, and how many claims there are of each.
  let inHand = Mutex<[String: Int]>([:])

  /// Changes nothing; folders that are missing are made when an event is moved there.
  /// - Throws: also if the instance's folder is not there, belongs to another user, or has a layout
  ///   that this version does not know.
  package init(
    of instance: InstanceName, in spool: String, settled: SettledEvents = SettledEvents(),
    calls: SystemCalls = SystemCalls()
  ) throws(SpoolError) {
    self.instance = instance
    self.settled = settled
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

  /// Removes an event that nobody handles, for good. That it has come is remembered in `ids`.
  package func remove(_ name: String, in state: EventState) throws(SpoolError) {
    let folder = try folder(state)
    try folder.touchingOneEvent { () throws(SpoolError) in try folder.remove(name) }
    try removeRecord(of: name, in: state == .dead ? .dead : .defer)
  }

  /// Makes every move so far durable.
  package func sync() throws(SpoolError) {
    // Targets before sources: a name is then found at least once.
    try today.withLock({ $0?.folder })?.sync()
    for state in [EventState.new, .done, .dead, .defer, .cur] {
      try open.withLock({ $0[state] })?.sync()
    }
  }
}
