internal import Glibc
internal import Synchronization

/// One folder `ids/YYYYMMDDThh/`, open.
final class HourFolder: Sendable {
  let hour: String
  let directory: Directory
  /// Whether it has names that are not known to be durable.
  fileprivate let hasNews = Atomic(false)
  /// Whether nobody finds it in the list of open folders any more.
  fileprivate let isClosed = Atomic(false)

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
    var open: [String: HourFolder] = [:]
    /// Closed ones with names that are not known to be durable.
    var closed: [HourFolder] = []

    mutating func close(_ hour: String) {
      guard let folder = open.removeValue(forKey: hour) else { return }
      folder.isClosed.store(true, ordering: .sequentiallyConsistent)
      closed.append(folder)
    }
  }

  private static let maximumOpen = 16

  let ids: Directory
  private let failures: SyncFailures
  private let state = Mutex(State())
  /// Whether `ids/` itself has names that are not known to be durable.
  private let hasNews = Atomic(false)

  init(ids: Directory, failures: SyncFailures) {
    self.ids = ids
    self.failures = failures
  }

  /// The folder of `hour`, made if it is missing.
  func folder(_ hour: String) throws(SystemError) -> HourFolder {
    if let folder = state.withLock({ $0.open[hour] }) { return folder }
    let folder = HourFolder(hour: hour, directory: try ids.directory(makingIfMissing: hour))
    // Whoever made it, just now or before, may not have synced its name.
    hasNews.store(true, ordering: .sequentiallyConsistent)
    state.withLock { state in
      if state.open.count >= Self.maximumOpen, let oldest = state.open.keys.min() {
        state.close(oldest)
      }
      state.close(hour)  // another thread may have been quicker
      state.open[hour] = folder
    }
    return folder
  }

  /// Links `file` as `name` in the folder. If that has vanished meanwhile, it is made again, once.
  /// - Returns: the folder that the name is in.
  func link(
    _ file: borrowing UnnamedFile, as name: String, in folder: HourFolder
  ) throws(SystemError) -> HourFolder {
    var folder = folder
    do throws(SystemError) {
      _ = try folder.directory.link(file, as: name)
    } catch  where error.errno == ENOENT {
      close(folder.hour)
      folder = try self.folder(folder.hour)
      _ = try folder.directory.link(file, as: name)
    }
    folder.hasNews.store(true, ordering: .sequentiallyConsistent)
    // Closed in between, it may have been synced for the last time without this name.
    if folder.isClosed.load(ordering: .sequentiallyConsistent) {
      state.withLock { [folder] in $0.closed.append(folder) }
    }
    return folder
  }

  /// Closes the folder of `hour`, which is gone or about to be.
  func close(_ hour: String) {
    state.withLock { $0.close(hour) }
  }

  /// Makes every name that was linked before the call durable. What could not be synced is tried
  /// again by the next call.
  func sync() throws(SystemError) {
    let folders = state.withLock { state in
      defer { state.closed = [] }
      return Array(state.open.values) + state.closed
    }
    do throws(SystemError) {
      // An hour's folder before ids/, which names it.
      for folder in folders { try sync(folder.directory, folder.hasNews) }
      try sync(ids, hasNews)
    } catch {
      let left = folders.filter { $0.hasNews.load(ordering: .sequentiallyConsistent) }
      state.withLock { state in
        state.closed += left.filter { $0.isClosed.load(ordering: .sequentiallyConsistent) }
      }
      throw error
    }
  }

  private func sync(_ directory: Directory, _ hasNews: borrowing Atomic<Bool>) throws(SystemError) {
    // First the flag: what is linked from here on sets it again.
    guard hasNews.exchange(false, ordering: .sequentiallyConsistent) else { return }
    do throws(SystemError) {
      try failures.recording { () throws(SystemError) in try directory.sync() }
    } catch {
      hasNews.store(true, ordering: .sequentiallyConsistent)
      throw error
    }
  }
}
