internal import Synchronization

/// Remembers failed syncs in one instance's spool, for all its threads.
///
/// The kernel reports a lost write to one descriptor and then forgets it: a second `fsync` says
/// that all is well. So one failed sync spoils every publish that is in flight, and closes the
/// spool until a probe has shown that the disk works again.
final class SyncFailures: Sendable {
  private struct State {
    /// How many there have been.
    var count = 0
    var isClosed = false
  }

  private let state = Mutex(State())

  /// What a publish holds on to from before its first look until its answer.
  struct Watch {
    fileprivate let failures: SyncFailures
    fileprivate let count: Int

    /// - Throws: `closed` if a sync has failed since the watch began.
    func check() throws(SpoolError) {
      guard failures.state.withLock({ $0.count }) == count else { throw SpoolError(.closed) }
    }
  }

  func watch() throws(SpoolError) -> Watch {
    let state = state.withLock { $0 }
    guard !state.isClosed else { throw SpoolError(.closed) }
    return Watch(failures: self, count: state.count)
  }

  /// How many failures have closed the spool; nil while it is open.
  var closing: Int? { state.withLock { $0.isClosed ? $0.count : nil } }

  /// Opens the spool again, for a probe has succeeded.
  /// - Parameter closing: as it was before the probe; a failure since then keeps the spool closed.
  func reopen(_ closing: Int) {
    state.withLock { state in
      if state.count == closing { state.isClosed = false }
    }
  }

  // MARK: Syncs

  // Every sync of the spool goes through here: a failure is known to all threads before anything
  // else is done about it.

  func sync(_ directory: Directory) throws(SpoolError) {
    do throws(SpoolError) { try directory.sync() } catch { throw recorded(error) }
  }

  func sync(_ draft: borrowing DraftFile) throws(SpoolError) {
    do throws(SpoolError) { try draft.sync() } catch { throw recorded(error) }
  }

  private func recorded(_ error: SpoolError) -> SpoolError {
    state.withLock { state in
      state.count += 1
      state.isClosed = true
    }
    return error
  }
}
