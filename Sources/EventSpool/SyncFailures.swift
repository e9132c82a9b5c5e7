internal import Synchronization

/// Remembers failed syncs in one instance's spool, for all its threads.
///
/// The kernel reports a lost write to one descriptor and then forgets it: a second `fsync` says that
/// all is well. So one failed sync spoils every publish that is in flight, and closes the spool
/// until a probe has shown that the disk works again.
final class SyncFailures: Sendable {
  private struct State {
    var count = 0
    var isClosed = false
  }

  private let state = Mutex(State())

  /// What a publish holds on to from before its first look until its answer.
  struct Watch {
    fileprivate let failures: SyncFailures
    fileprivate let count: Int

    /// - Throws: `closed` if a sync has failed since the watch began.
    func check() throws(SpoolFailure) {
      guard failures.state.withLock({ $0.count }) == count else { throw .closed }
    }
  }

  func watch() throws(SpoolFailure) -> Watch {
    let (count, isClosed) = state.withLock { ($0.count, $0.isClosed) }
    guard !isClosed else { throw .closed }
    return Watch(failures: self, count: count)
  }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Every sync of the spool goes through here: a failure is known to all threads before anything
  /// else is done about it.
  func recording(_ sync: () throws(SystemError) -> Void) throws(SystemError) {
    do throws(SystemError) {
      try sync()
    } catch {
      state.withLock {
        $0.count += 1
        $0.isClosed = true
      }
      throw error
    }
  }

  /// Opens the spool again if `probe` succeeds and no sync fails meanwhile.
  func reopen(after probe: () throws(SystemError) -> Void) throws(SystemError) {
    let count = state.withLock { $0.count }
    try probe()
    state.withLock { if $0.count == count { $0.isClosed = false } }
  }
}
