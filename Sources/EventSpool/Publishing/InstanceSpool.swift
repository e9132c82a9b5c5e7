internal import Glibc

/// One instance's folder of the spool, open. Shared by all threads; each publishes through a
/// `Publisher` of its own.
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

  /// `new/`, opened anew: its errors are reported to every descriptor that was open when they
  /// happened, but to each only once.
  func openNew() throws(SystemError) -> Directory {
    try root.directory(EventState.new.rawValue)
  }

  /// Whether an event could be stored now, as far as can be told without writing.
  package func checkHealth(minimumFreeBytes: Int) throws(SpoolFailure) {
    _ = try failures.watch()
    try translatingErrors { () throws(SystemError) in
      try openNew().requireWritable()
      try hours.ids.requireWritable()
    }
    try requireSpace(minimumFreeBytes: minimumFreeBytes)
  }

  func requireSpace(minimumFreeBytes: Int) throws(SpoolFailure) {
    let space = try translatingErrors { () throws(SystemError) in try root.freeSpace() }
    let (free, overflow) = space.f_bavail.multipliedReportingOverflow(by: space.f_frsize)
    // Without a byte nothing can be stored, whatever the minimum.
    guard overflow || free >= max(1, minimumFreeBytes) else {
      throw .belowMinimum(bytes: minimumFreeBytes)
    }
    // Some file systems (btrfs) count no inodes and say 0 of 0.
    guard space.f_files == 0 || space.f_favail > 0 else { throw .noInodes }
  }

  /// Makes the memory of what was published durable. Without it, a power cut may let an event be
  /// published a second time.
  package func syncMemory() throws(SpoolFailure) {
    try translatingErrors { () throws(SystemError) in try hours.sync() }
  }
}

/// The edge where a failed call becomes a failure of the spool.
func translatingErrors<Result: ~Copyable>(
  _ body: () throws(SystemError) -> Result
) throws(SpoolFailure) -> Result {
  do throws(SystemError) {
    return try body()
  } catch {
    throw .call(error)
  }
}
