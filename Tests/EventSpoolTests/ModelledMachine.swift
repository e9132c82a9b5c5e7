internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// A machine whose disk is a `DiskModel`: the publisher's own code runs on it, call by call.
final class ModelledMachine: Sendable {
  /// Protocols that lose events. They show that the model detects the loss.
  enum Mistake: Sendable {
    /// The event is linked into `ids/` first, then into `new/`.
    case linksTheOtherWayRound
    /// `new/` is never synced.
    case noSyncBetweenTheLinks
    /// The file gets its name, but is never synced.
    case noSyncOfTheFile
    /// `new/` is synced only after `ids/` knows the event.
    case syncAfterBothLinks
  }

  private struct State {
    var disk: DiskModel
    var descriptors: [Int32: DiskModel.Inode] = [:]
    var lockedBytes: [Int64: Int32] = [:]
  }

  private let state: Mutex<State>
  private let mistake: Mistake?
  private let names: (file: String, hour: String, id: String)
  /// Runs before each call. If `isBlocked`, the call has to wait for another thread, and is tried
  /// again.
  private let beforeCall: @Sendable (_ isBlocked: Bool) -> Void
  /// Runs after each call, with the disk at that moment.
  private let afterCall: @Sendable (DiskModel) -> Void

  init(
    disk: DiskModel, names: (file: String, hour: String, id: String), mistake: Mistake? = nil,
    beforeCall: @escaping @Sendable (Bool) -> Void = { _ in },
    afterCall: @escaping @Sendable (DiskModel) -> Void = { _ in }
  ) {
    state = Mutex(State(disk: disk))
    self.names = names
    self.mistake = mistake
    self.beforeCall = beforeCall
    self.afterCall = afterCall
  }

  /// An instance's folder after the first start.
  static var emptyDisk: DiskModel {
    var disk = DiskModel()
    for name in ["new", "ids"] { disk.sync(disk.makeFolder(name, in: DiskModel.root)) }
    disk.link(disk.makeFile(), as: "lock", in: DiskModel.root)
    disk.sync(DiskModel.root)
    return disk
  }

  var disk: DiskModel { state.withLock { $0.disk } }

  func openSpool() throws -> InstanceSpool {
    let root = try Directory(path: "/", calls: systemCalls)
    return InstanceSpool(root: root, ids: try root.directory("ids"))
  }

  // MARK: The calls

  private func call(_ body: (inout State) -> Int32) -> Int32 {
    beforeCall(false)
    let (result, code, disk) = state.withLock { state in
      errno = 0
      let result = body(&state)
      return (result, errno, state.disk)
    }
    afterCall(disk)
    errno = code
    return result
  }

  private func failed(_ code: Int32) -> Int32 {
    errno = code
    return -1
  }

  /// Returns a real descriptor, because it will be closed.
  private func open(_ inode: DiskModel.Inode, _ state: inout State) -> Int32 {
    let descriptor = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    state.descriptors[descriptor] = inode
    return descriptor
  }

  private var systemCalls: SystemCalls {
    var calls = SystemCalls()
    calls.openat = { [self] folder, name, flags, _ in
      call { state in
        if name == "/" { return open(DiskModel.root, &state) }
        let parent = state.descriptors[folder] ?? DiskModel.root
        if name == "." { return open(state.disk.makeFile(), &state) }
        guard let inode = state.disk.inode(of: name, in: parent) else { return failed(ENOENT) }
        return open(inode, &state)
      }
    }
    calls.write = { [self] file, _, count in
      Int(
        call { state in
          state.descriptors[file].map { state.disk.write($0) }
          return Int32(count)
        })
    }
    calls.fsync = { [self] descriptor in
      call { state in
        guard let inode = state.descriptors[descriptor] else { return failed(EBADF) }
        sync(inode, &state)
        return 0
      }
    }
    calls.linkOpenFile = { [self] file, folder, name in
      call { state in
        guard let inode = state.descriptors[file], let folder = state.descriptors[folder] else {
          return failed(EBADF)
        }
        let (place, name) = target(of: name, in: folder, state.disk)
        guard state.disk.inode(of: name, in: place) == nil else { return failed(EEXIST) }
        state.disk.link(inode, as: name, in: place)
        return 0
      }
    }
    calls.unlinkat = { [self] folder, name, _ in
      call { state in
        state.descriptors[folder].map { state.disk.unlink(name, in: $0) }
        return 0
      }
    }
    calls.mkdirat = { [self] folder, name, _ in
      call { state in
        guard let parent = state.descriptors[folder] else { return failed(EBADF) }
        guard state.disk.inode(of: name, in: parent) == nil else { return failed(EEXIST) }
        _ = state.disk.makeFolder(name, in: parent)
        return 0
      }
    }
    calls.faccessat = { [self] folder, name, _, _ in
      call { state in
        guard let parent = state.descriptors[folder],
          state.disk.inode(of: name, in: parent) != nil
        else { return failed(ENOENT) }
        return 0
      }
    }
    // Every file looks empty: an event that an earlier try has left is replaced.
    calls.fstatat = { [self] folder, name, status in
      call { state in
        guard let parent = state.descriptors[folder],
          state.disk.inode(of: name, in: parent) != nil
        else { return failed(ENOENT) }
        status.pointee.st_mode = S_IFREG
        status.pointee.st_size = 0
        return 0
      }
    }
    calls.isAtPath = { _, _ in true }
    // Nothing is moved here; the start asks whether something could be.
    calls.renameNew = { [self] _, _, _, _ in call { _ in failed(ENOENT) } }
    calls.fstatvfs = { [self] _, statistics in
      call { _ in
        statistics.pointee.f_bavail = 1 << 30
        statistics.pointee.f_frsize = 4_096
        return 0
      }
    }
    calls.lockByte = { [self] descriptor, offset in
      while true {
        let isTaken = call { state in
          guard state.lockedBytes[offset] == nil else { return 1 }
          state.lockedBytes[offset] = descriptor
          return 0
        }
        guard isTaken == 1 else { return 0 }
        beforeCall(true)
      }
    }
    calls.unlockByte = { [self] _, offset in
      call { state in
        if mistake == .syncAfterBothLinks, let new = state.disk.inode(of: "new", in: DiskModel.root)
        {
          state.disk.sync(new)
        }
        state.lockedBytes[offset] = nil
        return 0
      }
    }
    return calls
  }

  // MARK: Mistakes

  private func sync(_ inode: DiskModel.Inode, _ state: inout State) {
    if mistake == .noSyncOfTheFile && !state.disk.isFolder(inode) { return }
    guard let mistake, mistake != .noSyncOfTheFile,
      inode == state.disk.inode(of: "new", in: DiskModel.root)
    else {
      return state.disk.sync(inode)
    }
    if mistake == .linksTheOtherWayRound { hour(state.disk).map { state.disk.sync($0) } }
  }

  /// The folder and the name that a link really gets.
  private func target(
    of name: String, in folder: DiskModel.Inode, _ disk: DiskModel
  ) -> (DiskModel.Inode, String) {
    guard mistake == .linksTheOtherWayRound, let hour = hour(disk),
      let new = disk.inode(of: "new", in: DiskModel.root)
    else { return (folder, name) }
    return folder == new ? (hour, names.id) : (new, names.file)
  }

  private func hour(_ disk: DiskModel) -> DiskModel.Inode? {
    disk.inode(of: "ids", in: DiskModel.root).flatMap { disk.inode(of: names.hour, in: $0) }
  }
}
