internal import CLinux
internal import Glibc

/// An open directory of the spool. Everything in it is reached relative to its descriptor; the path
/// is for messages. Any number of threads may use it at once.
package final class Directory: Sendable {
  package let path: String
  let calls: SystemCalls
  private let descriptor: FileDescriptor

  private init(descriptor: consuming FileDescriptor, path: String, calls: SystemCalls) {
    self.descriptor = descriptor
    self.path = path
    self.calls = calls
  }

  package convenience init(
    path: String, calls: SystemCalls = SystemCalls()
  ) throws(SystemError) {
    try self.init(at: AT_FDCWD, name: path, path: path, calls: calls)
  }

  private convenience init(
    at parent: Int32, name: String, path: String, calls: SystemCalls
  ) throws(SystemError) {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    let raw = try checked("open", path) { calls.openat(parent, name, flags, 0) }
    self.init(descriptor: FileDescriptor(owning: raw), path: path, calls: calls)
  }

  package func directory(_ name: String) throws(SystemError) -> Directory {
    try Directory(at: descriptor.raw, name: name, path: child(name), calls: calls)
  }

  /// Opens the directory called `name`, which is made first if it is missing; its name is then
  /// durable once this directory is synced.
  func directory(makingIfMissing name: String) throws(SystemError) -> Directory {
    do throws(SystemError) {
      return try directory(name)
    } catch  where error.errno == ENOENT {
      do throws(SystemError) {
        try checked("mkdir", child(name)) { calls.mkdirat(descriptor.raw, name, 0o750) }
      } catch  where error.errno == EEXIST {}  // another process was first
      return try directory(name)
    }
  }

  /// - Returns: the open descriptor of a file, as `flags` ask for it.
  func open(_ name: String, _ flags: Int32, mode: mode_t = 0o640) throws(SystemError)
    -> FileDescriptor
  {
    FileDescriptor(
      owning: try checked("open", child(name)) {
        calls.openat(descriptor.raw, name, flags | O_CLOEXEC, mode)
      })
  }

  /// A new file without a name: a crash leaves nothing of it behind (open(2), `O_TMPFILE`).
  func unnamedFile() throws(SystemError) -> UnnamedFile {
    UnnamedFile(
      descriptor: try open(".", clinux_O_TMPFILE | O_WRONLY),
      path: "\(path)/(unnamed file)", calls: calls)
  }

  package func contains(_ name: String) throws(SystemError) -> Bool {
    do throws(SystemError) {
      try checked("faccessat", child(name)) {
        calls.faccessat(descriptor.raw, name, F_OK, AT_SYMLINK_NOFOLLOW)
      }
      return true
    } catch  where error.errno == ENOENT {
      return false
    }
  }

  /// Gives `file` a name in here, atomically, and not durably: that is what `sync` is for.
  /// - Returns: false if the name is there already; it then stays as it is.
  func link(_ file: borrowing UnnamedFile, as name: String) throws(SystemError) -> Bool {
    let raw = file.descriptor.raw
    do throws(SystemError) {
      try checked("linkat", child(name)) { calls.linkOpenFile(raw, descriptor.raw, name) }
      return true
    } catch  where error.errno == EEXIST {
      return false
    }
  }

  func remove(_ name: String) throws(SystemError) {
    try checked("unlinkat", child(name)) { calls.unlinkat(descriptor.raw, name, 0) }
  }

  func removeDirectory(_ name: String) throws(SystemError) {
    try checked("rmdir", child(name)) { calls.unlinkat(descriptor.raw, name, AT_REMOVEDIR) }
  }

  /// Makes the names in here durable: when this returns, they survive a power cut.
  func sync() throws(SystemError) {
    try checked("fsync", path) { calls.fsync(descriptor.raw) }
  }

  /// Before a fix of 2025 (Debian 12's kernel is older), btrfs does not keep what was synced while
  /// the file had no name: such a file is empty after a power cut (tried with Linux 6.1.176).
  var losesNamelessSyncs: Bool { calls.isOnBtrfs(descriptor.raw) == 1 }

  func freeSpace() throws(SystemError) -> statvfs {
    var statistics = statvfs()
    try checked("fstatvfs", path) { calls.fstatvfs(descriptor.raw, &statistics) }
    return statistics
  }

  /// Every name but `.` and `..`, in no order, or the first `limit` of them.
  package func names(atMost limit: Int = .max) throws(SystemError) -> [String] {
    var names: [String] = []
    try forEachName { name in
      guard names.count < limit else { return false }
      names.append(String(decoding: name, as: UTF8.self))
      return true
    }
    return names
  }

  /// Calls `body` with every name but `.` and `..`, in no order, as long as it returns true. However
  /// many names there are, none is kept.
  func forEachName(_ body: (UnsafeRawBufferPointer) -> Bool) throws(SystemError) {
    // fdopendir takes the descriptor over, and its position: so one of its own.
    let own = try checked("open", path) {
      calls.openat(descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    }
    guard let stream = fdopendir(own) else {
      let code = errno
      close(own)
      throw SystemError(call: "fdopendir", path: path, errno: code)
    }
    defer { closedir(stream) }
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let isWanted = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        let name = UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0 })
        if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { return true }
        return body(name)
      }
      guard isWanted else { return }
    }
    guard errno == 0 else { throw SystemError(call: "readdir", path: path, errno: errno) }
  }

  /// What lies at `name`, a symbolic link itself included; nil if nothing does.
  func status(of name: String) throws(SystemError) -> stat? {
    var status = stat()
    do throws(SystemError) {
      try checked("fstatat", child(name)) {
        fstatat(descriptor.raw, name, &status, AT_SYMLINK_NOFOLLOW)
      }
      return status
    } catch  where error.errno == ENOENT {
      return nil
    }
  }

  /// Moves the file `name` to `target`, in one step even across a power cut.
  /// - Returns: false if the name is there already; nothing has changed then.
  func move(_ name: String, to target: Directory) throws(SystemError) -> Bool {
    do throws(SystemError) {
      try checked("renameat2", child(name)) {
        calls.renameNew(descriptor.raw, name, target.descriptor.raw, name)
      }
      return true
    } catch  where error.errno == EEXIST {
      return false
    }
  }

  /// Makes `bytes` the contents of the plain file `name`, durably: a crash leaves the old contents
  /// or the new. Two writers of one name must not meet.
  func replaceDurably(_ name: String, with bytes: [UInt8]) throws(SystemError) {
    let draft = ".\(name)"
    let file = UnnamedFile(
      descriptor: try open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW), path: child(draft),
      calls: calls)
    try file.write(bytes)
    try file.sync()
    try checked("renameat", child(name)) {
      calls.renameat(descriptor.raw, draft, descriptor.raw, name)
    }
    try sync()
  }

  func child(_ name: String) -> String { "\(path)/\(name)" }

  func requireWritable() throws(SystemError) {
    try checked("faccessat", path) {
      calls.faccessat(descriptor.raw, ".", W_OK | X_OK, AT_EACCESS)
    }
  }
}
