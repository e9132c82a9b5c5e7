internal import Glibc
package import LinuxSystem

/// An open directory of the spool. Everything in it is reached relative to its descriptor; the path
/// is for messages. Any number of threads may use it at once.
///
/// It lies here and not with the operating system, for what a failed call concerns is decided where
/// the call is made.
package final class Directory: Sendable {
  package let path: String
  let calls: SystemCalls
  let descriptor: FileDescriptor
  let identity: FileIdentity?

  private init(descriptor: consuming FileDescriptor, path: String, calls: SystemCalls) {
    identity = FileIdentity(descriptor.raw)
    self.descriptor = descriptor
    self.path = path
    self.calls = calls
  }

  package convenience init(
    path: String, calls: SystemCalls = SystemCalls()
  ) throws(SpoolError) {
    try self.init(at: AT_FDCWD, name: path, path: path, calls: calls)
  }

  private convenience init(
    at parent: Int32, name: String, path: String, calls: SystemCalls
  ) throws(SpoolError) {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    let raw = try calling(.open, path, on: .folder) { calls.openat(parent, name, flags, 0) }
    self.init(descriptor: FileDescriptor(owning: raw), path: path, calls: calls)
  }

  func child(_ name: String) -> String { "\(path)/\(name)" }

  // MARK: Directories

  package func directory(_ name: String) throws(SpoolError) -> Directory {
    try Directory(at: descriptor.raw, name: name, path: child(name), calls: calls)
  }

  /// Opens the directory called `name`, which is made first if it is missing; its name is then
  /// durable once this directory is synced.
  func directory(makingIfMissing name: String) throws(SpoolError) -> Directory {
    do throws(SpoolError) {
      return try directory(name)
    } catch  where error.errno == ENOENT {
      do throws(SpoolError) {
        try calling(.mkdir, child(name), on: .folder) {
          calls.mkdirat(descriptor.raw, name, 0o750)
        }
      } catch  where error.errno == EEXIST {}  // another process was first
      return try directory(name)
    }
  }

  func removeDirectory(_ name: String) throws(SpoolError) {
    try calling(.rmdir, child(name), on: .folder) {
      calls.unlinkat(descriptor.raw, name, AT_REMOVEDIR)
    }
  }

  // MARK: Files

  /// - Returns: the open descriptor of a file, as `flags` ask for it.
  func open(
    _ name: String, _ flags: Int32, mode: mode_t = 0o640, on object: SpoolError.Object
  ) throws(SpoolError) -> FileDescriptor {
    FileDescriptor(
      owning: try calling(.open, child(name), on: object) {
        calls.openat(descriptor.raw, name, flags | O_CLOEXEC, mode)
      })
  }

  /// A new file without a name: a crash leaves nothing of it behind (open(2), `O_TMPFILE`).
  func draftFile(mode: mode_t = 0o640) throws(SpoolError) -> DraftFile {
    DraftFile(
      descriptor: try open(".", openTemporaryFile | O_WRONLY, mode: mode, on: .folder),
      path: "\(path)/(unnamed file)", calls: calls)
  }

  /// The bytes of the plain file `name`. A symbolic link is not followed.
  /// - Throws: `tooLong` if there are more than `maxBytes`.
  func contents(
    of name: String, maxBytes: Int, on object: SpoolError.Object = .event
  ) throws(SpoolError) -> [UInt8] {
    // Not to block should the name be a pipe's.
    let file = try open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, on: object)
    let raw = file.raw
    do throws(SystemError) {
      let bytes = try LinuxSystem.contents(of: raw, child(name), maxBytes: maxBytes)
      if bytes.count <= maxBytes { return bytes }
    } catch {
      throw SpoolError(error, of: object)
    }
    throw SpoolError(.tooLong(maxBytes: maxBytes), child(name), of: object)
  }

  /// Makes `bytes` the contents of the plain file `name`, durably: a crash leaves the old contents
  /// or the new. Two writers of one name must not meet.
  func replaceDurably(_ name: String, with bytes: [UInt8]) throws(SpoolError) {
    do throws(SystemError) {
      try LinuxSystem.replaceDurably(
        name, inFolder: descriptor.raw, path, with: bytes, draft: ".\(name)", calls: calls)
    } catch {
      throw SpoolError(error, of: .folder)
    }
  }

  // MARK: Names

  package func contains(_ name: String) throws(SpoolError) -> Bool {
    do throws(SpoolError) {
      try calling(.faccessat, child(name), on: .folder) {
        calls.faccessat(descriptor.raw, name, F_OK, AT_SYMLINK_NOFOLLOW)
      }
      return true
    } catch  where error.errno == ENOENT {
      return false
    }
  }

  /// What lies at `name`, a symbolic link itself included; nil if nothing does.
  func status(of name: String) throws(SpoolError) -> stat? {
    var status = stat()
    do throws(SpoolError) {
      try calling(.fstatat, child(name), on: .folder) {
        calls.fstatat(descriptor.raw, name, &status)
      }
      return status
    } catch  where error.errno == ENOENT {
      return nil
    }
  }

  /// Gives `file` a name in here, atomically, and not durably: that is what `sync` is for.
  /// - Returns: false if the name is there already; it then stays as it is.
  func link(_ file: borrowing DraftFile, as name: String) throws(SpoolError) -> Bool {
    let raw = file.descriptor.raw
    do throws(SpoolError) {
      try calling(.linkat, child(name), on: .folder) {
        calls.linkOpenFile(raw, descriptor.raw, name)
      }
      return true
    } catch  where error.errno == EEXIST {
      return false
    }
  }

  /// Moves the file `name` to `target`, in one step even across a power cut.
  /// - Parameter newName: nil: it keeps its name.
  /// - Returns: false if the name is there already; nothing has changed then.
  func move(
    _ name: String, to target: Directory, as newName: String? = nil
  ) throws(SpoolError) -> Bool {
    do throws(SpoolError) {
      try calling(.renameat2, child(name), on: .folder) {
        calls.renameNew(descriptor.raw, name, target.descriptor.raw, newName ?? name)
      }
      return true
    } catch  where error.errno == EEXIST {
      return false
    }
  }

  func remove(_ name: String) throws(SpoolError) {
    try calling(.unlinkat, child(name), on: .folder) {
      calls.unlinkat(descriptor.raw, name, 0)
    }
  }

  /// Removes the name if it is there.
  func removeIfThere(_ name: String) throws(SpoolError) {
    do throws(SpoolError) { try remove(name) } catch  where error.errno == ENOENT {}
  }

  /// Removes files, whatever their names, up to `limit` of them. What cannot be removed is passed
  /// over.
  /// - Returns: how many were removed, and why the first of the others could not be.
  func removeNames(
    atMost limit: Int
  ) throws(SpoolError) -> (removed: Int, failure: SpoolError?) {
    var removed = 0
    var failure: SpoolError?
    try forEachName { name in
      do throws(SpoolError) {
        try remove(name)
        removed += 1
      } catch {
        if error.errno != ENOENT { failure = failure ?? error }
      }
      return removed < limit
    }
    return (removed, failure)
  }

  /// - Parameter name: bytes; no text, perhaps.
  func remove(_ name: UnsafeRawBufferPointer) throws(SpoolError) {
    if let text = String(validating: name, as: UTF8.self) { return try remove(text) }
    let bytes = name.map(CChar.init(bitPattern:)) + [0]
    try calling(.unlinkat, child("(no text)"), on: .folder) {
      Glibc.unlinkat(descriptor.raw, bytes, 0)
    }
  }

  /// Every name but `.` and `..`, in no order, or the first `limit` of them.
  package func names(atMost limit: Int = .max) throws(SpoolError) -> [String] {
    var names: [String] = []
    try forEachName { name in
      guard names.count < limit else { return false }
      names.append(String(decoding: name, as: UTF8.self))
      return true
    }
    return names
  }

  /// Calls `body` with every name but `.` and `..`, in no order, as long as it returns true.
  /// However many names there are, none is kept.
  func forEachName(_ body: (UnsafeRawBufferPointer) -> Bool) throws(SpoolError) {
    // The position is the open file's: so one of its own.
    let own = try open(".", O_RDONLY | O_DIRECTORY, on: .folder)
    do throws(SystemError) {
      try LinuxSystem.forEachName(inFolder: own, path, body)
    } catch {
      throw SpoolError(error, of: .folder)
    }
  }

  // MARK: The folder itself

  /// Makes the names in here durable: when this returns, they survive a power cut.
  func sync() throws(SpoolError) {
    try calling(.fsync, path, on: .folder) { calls.fsync(descriptor.raw) }
  }
}
