internal import Glibc
internal import Synchronization

/// One folder `ids/YYYYMMDDThh/`, open.
final class HourFolder: Sendable {
  let hour: String
  let directory: Directory

  fileprivate init(hour: String, directory: Directory) {
    self.hour = hour
    self.directory = directory
  }
}

/// The folders `ids/YYYYMMDDThh/`: the spool's memory of what was published, by the hour of `iat`.
///
/// Open folders are kept, a few at most; the clock's skew and `max-age` decide how many are in use.
final class HourFolders: Sendable {
  private struct State {
    /// Those that are handed out for their hour.
    var open: [String: HourFolder] = [:]
    /// Those with names that are not known to be durable.
    var dirty: [HourFolder] = []
    /// Whether `ids/` itself has such names.
    var isTopDirty = false

    mutating func markDirty(_ folder: HourFolder) {
      if !dirty.contains(where: { $0 === folder }) { dirty.append(folder) }
    }
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
  func folder(_ hour: String) throws(SpoolError) -> HourFolder {
    if let folder = state.withLock({ $0.open[hour] }) { return folder }
    let folder = HourFolder(hour: hour, directory: try ids.directory(makingIfMissing: hour))
    state.withLock { state in
      // Its maker, we or another, may not have synced its name.
      state.isTopDirty = true
      if state.open.count >= Self.maximumOpen, let oldest = state.open.keys.min() {
        state.open[oldest] = nil
      }
      state.open[hour] = folder
    }
    return folder
  }

  /// Links `file` as `name` in the folder. If that has vanished meanwhile, it is made again, once.
  /// - Returns: the folder that the name is in, to be used from here on.
  func link(
    _ file: borrowing DraftFile, as name: String, in folder: HourFolder
  ) throws(SpoolError) -> HourFolder {
    var folder = folder
    do throws(SpoolError) {
      _ = try folder.directory.link(file, as: name)
    } catch  where error.errno == ENOENT {
      forget(folder.hour)
      folder = try self.folder(folder.hour)
      _ = try folder.directory.link(file, as: name)
    }
    state.withLock { [folder] in $0.markDirty(folder) }
    return folder
  }

  /// No longer hands out the folder of `hour`, which is gone or about to be.
  func forget(_ hour: String) {
    state.withLock { $0.open[hour] = nil }
  }

  /// Makes every name that was linked before the call durable. If a folder cannot be synced, the
  /// next call tries again.
  func sync() throws(SpoolError) {
    // What is linked from here on is for the next call.
    let (folders, isTopDirty) = state.withLock { state in
      defer { (state.dirty, state.isTopDirty) = ([], false) }
      return (state.dirty, state.isTopDirty)
    }
    do throws(SpoolError) {
      // An hour's folder before ids/, which names it.
      for folder in folders { try failures.sync(folder.directory) }
      if isTopDirty { try failures.sync(ids) }
    } catch {
      state.withLock { state in
        for folder in folders { state.markDirty(folder) }
        if isTopDirty { state.isTopDirty = true }
      }
      throw error
    }
  }
}
