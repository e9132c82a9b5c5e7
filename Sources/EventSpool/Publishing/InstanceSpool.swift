internal import Glibc

/// One instance's folder of the spool, open for publishing. Shared by all threads; each publishes
/// through a `Publisher` of its own.
package final class InstanceSpool: Sendable {
  let root: Directory
  let hours: HourFolders
  /// Whether a file must be synced once more after it has a name.
  let needsSyncAfterLink: Bool
  let failures: SyncFailures

  /// The folders must be there already: `open(_:in:)` sees to it.
  package init(root: Directory, ids: Directory) {
    self.root = root
    failures = SyncFailures()
    needsSyncAfterLink = root.losesNamelessSyncs
    hours = HourFolders(ids: ids, failures: failures)
  }

  /// `new/`, opened for one caller: a sync's error is reported to every descriptor that was open
  /// when it happened, but to each only once.
  func openNew() throws(SpoolError) -> Directory {
    try root.directory(EventState.new.rawValue)
  }

  /// Whether an event could be stored now, as far as can be told without writing.
  package func checkHealth(minimumFreeBytes: Int) throws(SpoolError) {
    try requireInPlace()
    _ = try failures.watch()
    try openNew().requireWritable()
    try hours.ids.requireWritable()
    try requireSpace(minimumFreeBytes: minimumFreeBytes)
  }

  /// Whether a failed sync keeps the spool closed.
  package var isClosed: Bool { failures.closing != nil }

  func requireSpace(minimumFreeBytes: Int) throws(SpoolError) {
    try root.requireSpace(minimumFreeBytes: minimumFreeBytes)
  }

  /// - Throws: `moved` unless the folder lies where it was opened.
  func requireInPlace(_ directory: Directory) throws(SpoolError) {
    guard directory.isInPlace else { throw SpoolError(.moved, directory.path) }
  }

  /// The same for every folder that is kept open.
  package func requireInPlace() throws(SpoolError) {
    for folder in [root, hours.ids] { try requireInPlace(folder) }
    for state in EventState.allCases where try !root.contains(state.rawValue) {
      throw SpoolError(.moved, root.child(state.rawValue))
    }
  }

  /// Makes the memory of what was published durable. Without it, a power cut may let an event be
  /// published a second time.
  package func syncMemory() throws(SpoolError) { try hours.sync() }
}
