internal import Synchronization

/// Remembers failed syncs in one instance's spool, for all its threads.
///
/// The kernel reports a lost write to one descriptor and then forgets it: a second `fsync` says that
/// all is well. So one failed sync spoils every publish that is in flight, and closes the spool
/// until a probe has shown that the disk works again.
final class SyncFailures: Sendable {
  /// Twice the number of failures, and one more while the spool is closed: one value, so that a probe
  /// cannot open what a failure has closed meanwhile.
  private let history = Atomic(0)

  /// What a publish holds on to from before its first look until its answer.
  struct Watch {
    fileprivate let failures: SyncFailures
    fileprivate let history: Int

    /// - Throws: `closed` if a sync has failed since the watch began.
    func check() throws(SpoolFailure) {
      guard failures.current == history else { throw .closed }
    }
  }

  private var current: Int { history.load(ordering: .sequentiallyConsistent) }

  func watch() throws(SpoolFailure) -> Watch {
    let history = current
    guard !Self.isClosed(history) else { throw .closed }
    return Watch(failures: self, history: history)
  }

  var isClosed: Bool { Self.isClosed(current) }

  private static func isClosed(_ history: Int) -> Bool { history & 1 == 1 }

  /// Every sync of the spool goes through here: a failure is known to all threads before anything
  /// else is done about it.
  func recording(_ sync: () throws(SystemError) -> Void) throws(SystemError) {
    do throws(SystemError) {
      try sync()
    } catch {
      var old = current
      while true {
        let (isDone, now) = history.compareExchange(
          expected: old, desired: (old | 1) + 2, ordering: .sequentiallyConsistent)
        if isDone { break }
        old = now
      }
      throw error
    }
  }

  /// Opens the spool again if `probe` succeeds and no sync fails meanwhile.
  func reopen(after probe: () throws(SystemError) -> Void) throws(SystemError) {
    let closed = current
    try probe()
    guard Self.isClosed(closed) else { return }
    _ = history.compareExchange(
      expected: closed, desired: closed - 1, ordering: .sequentiallyConsistent)
  }
}
