internal import Glibc
package import LinuxSystem
package import WebhookCore

extension InstanceSpool {
  /// Opens the instance's folder below `spool`, making what is missing, durably, and tries out
  /// everything that the file system must be able to do.
  package static func open(
    _ instance: InstanceName, in spool: String, calls: SystemCalls = SystemCalls()
  ) throws(SpoolError) -> InstanceSpool {
    let top = try Directory(path: spool, calls: calls)
    try requireOwnInstance(instance, in: top)
    let root = try top.directory(makingIfMissing: instance.description)
    try root.makeFormat()
    for name in SpoolLayout.folders {
      try root.requireUsable(root.directory(makingIfMissing: name))
    }
    let ids = try root.directory(SpoolLayout.ids)
    let opened = InstanceSpool(root: root, ids: ids)
    _ = try EventLock(in: root)
    try root.removeOldProbes()
    try root.tryOutUnlessFull(failures: opened.failures)
    try ids.sync()
    try root.sync()
    try top.sync()
    return opened
  }

  /// Opens the instance's folder as an earlier `open` has left it, without trying anything out; the
  /// first time it is `open`. For a process that serves one request: what the file system cannot do
  /// fails there as well.
  package static func openAsItIs(
    _ instance: InstanceName, in spool: String
  ) throws(SpoolError) -> InstanceSpool {
    let top = try Directory(path: spool)
    guard try top.contains(instance.description) else { return try open(instance, in: spool) }
    try requireOwnInstance(instance, in: top)
    let root = try top.directory(instance.description)
    for name in [SpoolLayout.format, SpoolLayout.lock, SpoolLayout.ids, EventState.new.rawValue]
    where try !root.contains(name) { return try open(instance, in: spool) }
    try root.requireFormat()
    // The process that set it up may not have come to its syncs; if it has, these cost nothing.
    try root.sync()
    try top.sync()
    return InstanceSpool(root: root, ids: try root.directory(SpoolLayout.ids))
  }

  /// Fails as `open` would, and makes nothing.
  package static func check(_ instance: InstanceName, in spool: String) throws(SpoolError) {
    let top = try Directory(path: spool)
    try tryOut(instance, in: top)
    try requireOwnInstance(instance, in: top)
  }

  private static func tryOut(
    _ instance: InstanceName, in top: Directory
  ) throws(SpoolError) {
    guard try top.contains(instance.description) else {
      try top.requireWritable()
      return try top.tryOut(failures: SyncFailures())
    }
    let root = try top.directory(instance.description)
    let isLaidOut = try root.contains(SpoolLayout.format)
    if isLaidOut { try root.requireFormat() }
    for name in SpoolLayout.folders where try root.contains(name) {
      try root.requireUsable(root.directory(name))
    }
    if try root.contains(SpoolLayout.lock) { _ = try EventLock(in: root) }
    // What is yet to be laid out needs space for it.
    if isLaidOut {
      try root.tryOutUnlessFull(failures: SyncFailures())
    } else {
      try root.tryOut(failures: SyncFailures())
    }
  }
}

extension InstanceSpool {
  /// What root stores in a spool that another user is to drain, that user could not touch.
  /// - Parameter top: the spool.
  private static func requireOwnInstance(
    _ instance: InstanceName, in top: Directory
  ) throws(SpoolError) {
    if try top.contains(instance.description) {
      try top.directory(instance.description).requireOwn()
    } else if geteuid() == 0 {
      try top.requireOwn()
    }
  }
}

extension Directory {
  // MARK: The layout's number

  private static let format = Array("\(SpoolLayout.formatNumber)\n".utf8)

  /// - Throws: `unknownLayout` if another version has laid the spool out in another way.
  func requireFormat() throws(SpoolError) {
    var text: [UInt8] = []
    do throws(SpoolError) {
      text = try contents(of: SpoolLayout.format, maxBytes: 16, on: .folder)
    } catch  where error.cause == .tooLong(maxBytes: 16) || error.errno == ENOENT {}
    guard text == Self.format else {
      let digits = String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
      throw SpoolError(.unknownLayout(number: Int(digits)), child(SpoolLayout.format))
    }
  }

  /// Writes the number if there is none.
  fileprivate func makeFormat() throws(SpoolError) {
    if try !contains(SpoolLayout.format) {
      let file = try draftFile()
      try file.write(Self.format)
      try file.sync()
      _ = try link(file, as: SpoolLayout.format)
      try file.sync()  // once more with a name, for btrfs
    }
    try requireFormat()
  }

  // MARK: Probes

  /// A file without a name, written, synced, locked, linked, moved, the folder synced, the name
  /// removed again. A consumer sees no change.
  func tryOut(failures: SyncFailures) throws(SpoolError) {
    let file = try draftFile()
    try file.write(Array("probe\n".utf8))
    try failures.sync(file)
    try file.tryLock()
    // A new name each time: a folder in which nothing changed would sync without touching the disk.
    let name = SpoolLayout.probePrefix + String(UInt64.random(in: .min ... .max), radix: 16)
    let newName = name + "-moved"
    _ = try link(file, as: name)
    do throws(SpoolError) {
      // As consumers move events.
      _ = try move(name, to: self, as: newName)
    } catch  where error.errno == ENOENT {
      // Another process that starts may have taken it for an old one.
    } catch {
      try? remove(name)
      throw error
    }
    do throws(SpoolError) {
      try failures.sync(self)
    } catch {
      try? remove(newName)
      throw error
    }
    try removeIfThere(newName)
  }

  /// A full disk does not prevent a start: duplicates are still found, and new events are
  /// answered with 503 until there is space again.
  fileprivate func tryOutUnlessFull(failures: SyncFailures) throws(SpoolError) {
    do throws(SpoolError) {
      try tryOut(failures: failures)
    } catch  where error.errno == ENOSPC || error.errno == EDQUOT {}
  }

  /// What a crash in the middle of a probe left behind.
  fileprivate func removeOldProbes() throws(SpoolError) {
    for name in try names() where name.hasPrefix(SpoolLayout.probePrefix) {
      try removeIfThere(name)
    }
  }
}
