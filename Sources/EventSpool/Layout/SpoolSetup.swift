internal import Glibc
package import WebhookCore

/// Why a spool cannot be used at all, and what would mend it.
package struct SpoolSetupError: Error, Equatable, Sendable {
  package let message: String
  /// What a delivery is answered meanwhile.
  package let failure: SpoolFailure
}

extension InstanceSpool {
  /// Opens the instance's folder below `spool`, making what is missing, durably, and tries out
  /// everything that the file system must be able to do.
  package static func open(
    _ instance: InstanceName, in spool: String, calls: SystemCalls = SystemCalls()
  ) throws(SpoolSetupError) -> InstanceSpool {
    do throws(SystemError) {
      let top = try Directory(path: spool, calls: calls)
      let root = try top.directory(makingIfMissing: instance.description)
      try requireFormat(of: root)
      for state in EventState.allCases {
        try root.directory(makingIfMissing: state.rawValue).requireWritable()
      }
      let ids = try root.directory(makingIfMissing: SpoolLayout.ids)
      try ids.requireWritable()
      let opened = InstanceSpool(root: root, ids: ids)
      _ = try EventLock(in: root)
      try opened.removeOldProbes()
      try root.tryOutUnlessFull(failures: opened.failures)
      try ids.sync()
      try root.sync()
      try top.sync()
      return opened
    } catch {
      throw SpoolSetupError(error)
    }
  }

  /// Opens the instance's folder as an earlier `open` has left it, without trying anything out; the
  /// first time it is `open`. For a process that serves one request: what the file system cannot do
  /// fails there as well.
  package static func openAsItIs(
    _ instance: InstanceName, in spool: String
  ) throws(SpoolSetupError) -> InstanceSpool {
    do throws(SystemError) {
      let top = try Directory(path: spool)
      if try top.contains(instance.description) {
        let root = try top.directory(instance.description)
        if try isSetUp(root) {
          try requireFormat(of: root)
          // Whoever set it up may not have come to its syncs; where it has, these cost nothing.
          try root.sync()
          try top.sync()
          return InstanceSpool(root: root, ids: try root.directory(SpoolLayout.ids))
        }
      }
    } catch {
      throw SpoolSetupError(error)
    }
    return try open(instance, in: spool)
  }

  private static func isSetUp(_ root: Directory) throws(SystemError) -> Bool {
    for name in [SpoolLayout.format, SpoolLayout.lock, SpoolLayout.ids, EventState.new.rawValue]
    where try !root.contains(name) { return false }
    return true
  }

  /// - Throws: `EPROTO` on the file `format` if another program laid the spool out in another way.
  private static func requireFormat(of root: Directory) throws(SystemError) {
    let number = "\(SpoolLayout.formatNumber)\n"
    if try !root.contains(SpoolLayout.format) {
      let file = try root.unnamedFile()
      try file.write(Array(number.utf8))
      try file.sync()
      _ = try root.link(file, as: SpoolLayout.format)
      try file.sync()  // once more with a name, for btrfs
    }
    guard try root.contents(of: SpoolLayout.format, maxBytes: 16) == Array(number.utf8) else {
      throw SystemError(call: "read", path: root.child(SpoolLayout.format), errno: EPROTO)
    }
  }

  /// What a crash in the middle of a probe left behind.
  private func removeOldProbes() throws(SystemError) {
    for name in try root.names() where name.hasPrefix(SpoolLayout.probePrefix) {
      try root.removeProbe(name)
    }
  }

  /// Says what `open` would say, and makes nothing.
  package static func check(
    _ instance: InstanceName, in spool: String
  ) throws(SpoolSetupError) {
    do throws(SystemError) {
      let top = try Directory(path: spool)
      guard try top.contains(instance.description) else {
        try top.requireWritable()
        try top.tryOut(failures: SyncFailures())
        return
      }
      let root = try top.directory(instance.description)
      let isLaidOut = try root.contains(SpoolLayout.format)
      if isLaidOut { try requireFormat(of: root) }
      for name in EventState.allCases.map(\.rawValue) + [SpoolLayout.ids]
      where try root.contains(name) {
        try root.directory(name).requireWritable()
      }
      if try root.contains(SpoolLayout.lock) { _ = try EventLock(in: root) }
      // What is yet to be laid out needs space for it.
      if isLaidOut {
        try root.tryOutUnlessFull(failures: SyncFailures())
      } else {
        try root.tryOut(failures: SyncFailures())
      }
    } catch {
      throw SpoolSetupError(error)
    }
  }
}

extension Directory {
  /// A file without a name, written, synced, locked, linked, the folder synced, the name removed
  /// again. Nothing that a consumer looks at changes.
  func tryOut(failures: SyncFailures) throws(SystemError) {
    let file = try unnamedFile()
    try file.write(Array("probe\n".utf8))
    try failures.recording { () throws(SystemError) in try file.sync() }
    try file.tryLock()
    // A new name each time: a folder in which nothing changed would sync without touching the disk.
    let name = SpoolLayout.probePrefix + String(UInt64.random(in: .min ... .max), radix: 16)
    _ = try link(file, as: name)
    do throws(SystemError) {
      try failures.recording { () throws(SystemError) in try sync() }
    } catch {
      try? remove(name)
      throw error
    }
    try removeProbe(name)
  }

  /// A full disk is no reason not to start: duplicates are found all the same, and new events are
  /// answered with 503 until there is space again.
  fileprivate func tryOutUnlessFull(failures: SyncFailures) throws(SystemError) {
    do throws(SystemError) {
      try tryOut(failures: failures)
    } catch  where error.errno == ENOSPC || error.errno == EDQUOT {}
  }

  /// It may be gone: another process that starts takes it for an old one.
  fileprivate func removeProbe(_ name: String) throws(SystemError) {
    do throws(SystemError) { try remove(name) } catch  where error.errno == ENOENT {}
  }
}

extension SpoolSetupError {
  fileprivate init(_ error: SystemError) {
    self.init(message: error.setupMessage, failure: .call(error))
  }
}

extension SystemError {
  fileprivate var setupMessage: String {
    "spool: \(path): \(call): \(String(cString: strerror(errno))); \(setupRemedy)"
  }

  private var setupRemedy: String {
    switch (call, errno) {
    case (_, EPROTO), (_, EFBIG):
      "the spool has a layout that this version does not know: use the version that wrote it"
    case ("linkat", ENOENT): "mount /proc, which linking an open file needs"
    case ("open", EOPNOTSUPP), ("open", EISDIR), ("open", EINVAL):
      "the file system has no O_TMPFILE: put the spool on ext4, XFS or btrfs"
    case ("linkat", EPERM), ("linkat", EOPNOTSUPP):
      "the file system has no hard links: put the spool on ext4, XFS or btrfs"
    case ("fcntl", _):
      "the file system has no byte-range locks: put the spool on ext4, XFS or btrfs"
    case (_, ENOTDIR), (_, ELOOP), (_, EISDIR):
      "something else lies where the spool has a folder or a file of its own: move it away"
    case (_, ENOENT): "make the folder, owned by the user that the responder runs as, mode 0750"
    case (_, EACCES), (_, EPERM): "give the spool to the user that the responder runs as"
    case (_, EROFS): "mount the spool's file system writable"
    case (_, ENOSPC), (_, EDQUOT): "free space in the spool's file system"
    case (_, EMFILE), (_, ENFILE): "raise the limit on open files (LimitNOFILE)"
    default: "look at the disk and the kernel's log"
    }
  }
}
