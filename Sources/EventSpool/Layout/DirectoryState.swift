internal import Glibc
internal import LinuxSystem

/// What a folder can be used for, and so who is to blame if something in it fails.
extension Directory {
  /// Whether its path still leads to it.
  var isInPlace: Bool { identity.map { calls.isAtPath($0, path) } ?? false }

  /// - Throws: `foreignOwner` if it belongs to another user: who runs owns the spool.
  func requireOwn() throws(SpoolError) {
    let owner = try status(of: ".")?.st_uid
    if let owner, owner != geteuid() { throw SpoolError(.foreignOwner(owner), path) }
  }

  func requireWritable() throws(SpoolError) {
    try calling(.faccessat, path, on: .folder) {
      calls.faccessat(descriptor.raw, ".", W_OK | X_OK, AT_EACCESS)
    }
    // The call above does not tell.
    guard calls.isRestricted(descriptor.raw) == 0 else {
      throw SpoolError(.call(.faccessat, errno: EPERM), path)
    }
  }

  /// - Throws: EXDEV if files cannot be moved from here to `other`: it lies on another file system,
  ///   or is mounted by itself.
  private func requireMovable(to other: Directory) throws(SpoolError) {
    let (here, there) = (try status(of: "."), try other.status(of: "."))
    do throws(SpoolError) {
      guard here?.st_dev == there?.st_dev else {
        throw SpoolError(.call(.renameat2, errno: EXDEV))
      }
      // The kernel compares the mounts before it looks for the name, which is no file's.
      _ = try move(SpoolLayout.probePrefix, to: other)
    } catch  where error.errno == EXDEV {
      throw SpoolError(.call(.renameat2, errno: EXDEV), other.path)
    } catch  where error.errno == ENOENT {}
  }

  /// - Throws: if `folder`, one of an instance's, cannot be written, or files cannot be moved there
  ///   from here.
  func requireUsable(_ folder: Directory) throws(SpoolError) {
    try folder.requireWritable()
    try requireMovable(to: folder)
  }

  /// When a name last came, went or was replaced (inode(7)).
  func changeTime() throws(SpoolError) -> timespec { try status(of: ".")?.st_mtim ?? timespec() }

  func freeSpace() throws(SpoolError) -> statvfs {
    var statistics = statvfs()
    try calling(.fstatvfs, path, on: .folder) { calls.fstatvfs(descriptor.raw, &statistics) }
    return statistics
  }

  /// - Throws: `belowMinimum`, `noInodes`.
  func requireSpace(minimumFreeBytes: Int) throws(SpoolError) {
    let space = try freeSpace()
    let (free, overflow) = space.f_bavail.multipliedReportingOverflow(by: space.f_frsize)
    // Without a byte nothing can be stored, whatever the minimum.
    let minimum = max(1, minimumFreeBytes)
    guard overflow || free >= minimum else {
      throw SpoolError(.belowMinimum(bytes: minimum), path)
    }
    // Some file systems (btrfs) count no inodes and say 0 of 0.
    guard space.f_files == 0 || space.f_favail > 0 else { throw SpoolError(.noInodes, path) }
  }

  /// Before a fix of 2025 (Debian 12's kernel is older), btrfs does not keep what was synced while
  /// the file had no name: such a file is empty after a power cut (tried with Linux 6.1.176).
  var losesNamelessSyncs: Bool { calls.isOnBtrfs(descriptor.raw) == 1 }

  // MARK: Blame

  /// Runs `body`, which moves, makes or removes one event's name in here, and perhaps in `other`. A
  /// failure that speaks of the name is the event's, and so is a refusal though the folders may be
  /// written: an immutable file, one of another user in a sticky folder.
  func touchingOneEvent<Result>(
    and other: Directory? = nil, _ body: () throws(SpoolError) -> Result
  ) throws(SpoolError) -> Result {
    do throws(SpoolError) {
      return try body()
    } catch {
      switch error.errno {
      // The name is too long, or something else lies there: a folder, a link, a pipe, a mount.
      case ENAMETOOLONG, EISDIR, ELOOP, ENXIO, EBUSY: throw error.ofEvent
      case EPERM, EACCES:
        try requireWritable()
        try other?.requireWritable()
        throw error.ofEvent
      default: throw error
      }
    }
  }
}
