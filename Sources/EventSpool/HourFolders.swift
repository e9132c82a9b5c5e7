internal import Glibc
internal import Synchronization

/// The folders `ids/YYYYMMDDThh/`: the spool's memory of what was published, by the hour of `iat`.
///
/// Open folders are kept, a few at most; the clock's skew and `max-age` decide how many are in use.
final class HourFolders: Sendable {
  private struct State {
    var open: [String: Directory] = [:]
    /// Hours with names that are not known to be durable; `ids/` itself counts as the hour "".
    var unsynced: Set<String> = []
  }

  private static let maximumOpen = 16

  let ids: Directory
  private let failures: SyncFailures
  private let state = Mutex(State())

  init(ids: Directory, failures: SyncFailures) {
    self.ids = ids
    self.failures = failures
  }

  /// The folder of `hour`, made if it is missing.
  func folder(_ hour: String) throws(SystemError) -> Directory {
    if let folder = state.withLock({ $0.open[hour] }) { return folder }
    let folder = try ids.directory(makingIfMissing: hour)
    state.withLock {
      // Whoever made it, just now or before, may not have synced its name.
      $0.unsynced.insert("")
      if $0.open.count >= Self.maximumOpen, let oldest = $0.open.keys.min() {
        $0.open[oldest] = nil
      }
      $0.open[hour] = folder
    }
    return folder
  }

  /// Links `file` as `name` in the folder of `hour`. If the folder has vanished meanwhile, it is
  /// made again, once.
  func link(_ file: borrowing UnnamedFile, as name: String, in hour: String) throws(SystemError) {
    do throws(SystemError) {
      _ = try folder(hour).link(file, as: name)
    } catch  where error.errno == ENOENT {
      close(hour)
      _ = try folder(hour).link(file, as: name)
    }
    state.withLock { _ = $0.unsynced.insert(hour) }
  }

  /// Closes the folder of `hour`, which is gone or about to be.
  func close(_ hour: String) {
    state.withLock { $0.open[hour] = nil }
  }

  /// Makes every name that was linked before the call durable. What could not be synced is tried
  /// again by the next call.
  func sync() throws(SystemError) {
    let hours = state.withLock { state in
      defer { state.unsynced = [] }
      return state.unsynced
    }
    do throws(SystemError) {
      // An hour's folder before ids/, which names it.
      for hour in hours.sorted(by: >) {
        try failures.recording { () throws(SystemError) in
          try (hour.isEmpty ? ids : folder(hour)).sync()
        }
      }
    } catch {
      state.withLock { $0.unsynced.formUnion(hours) }
      throw error
    }
  }
}
