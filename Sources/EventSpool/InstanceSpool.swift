internal import Glibc
internal import WebhookCore

/// One instance's folder of the spool, open. Shared by all threads; each publishes through a
/// `Publisher` of its own.
package final class InstanceSpool: Sendable {
  let root: Directory
  let new: Directory
  let hours: HourFolders
  let failures = SyncFailures()
  let minimumFreeBytes: Int

  init(root: Directory, new: Directory, ids: Directory, minimumFreeBytes: Int) {
    self.root = root
    self.new = new
    self.minimumFreeBytes = minimumFreeBytes
    hours = HourFolders(ids: ids)
  }

  /// Whether an event could be stored now, as far as can be told without writing.
  package func checkHealth() throws(SpoolFailure) {
    _ = try failures.watch()
    try translatingErrors { () throws(SystemError) in
      try new.requireWritable()
      try hours.ids.requireWritable()
    }
    try requireSpace()
  }

  func requireSpace() throws(SpoolFailure) {
    let space = try translatingErrors { () throws(SystemError) in try root.freeSpace() }
    let (free, overflow) = space.f_bavail.multipliedReportingOverflow(by: space.f_frsize)
    guard overflow || free >= minimumFreeBytes else { throw .belowMinimum(bytes: minimumFreeBytes) }
    // Some file systems (btrfs) count no inodes and say 0 of 0.
    guard space.f_files == 0 || space.f_favail > 0 else { throw .noInodes }
  }

  /// The edge where a failed call becomes a failure of the spool; a failed sync closes it.
  func translatingErrors<Result>(
    _ body: () throws(SystemError) -> Result
  ) throws(SpoolFailure) -> Result {
    do throws(SystemError) {
      return try body()
    } catch {
      if error.call == "fsync" { failures.record() }
      throw .call(error)
    }
  }
}
