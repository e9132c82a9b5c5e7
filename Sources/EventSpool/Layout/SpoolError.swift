package import Glibc
package import LinuxSystem
package import WebhookCore

/// Why the spool did not do what was asked: what failed, what that concerns, and what mends it.
package struct SpoolError: Error, Equatable, Sendable {
  package enum Cause: Equatable, Sendable {
    case call(SystemCall, errno: Int32)
    /// A file is longer than anything that belongs there.
    case tooLong(maxBytes: Int)
    /// Something else lies under the event's name in the folder that it is moved to.
    case nameIsTaken
    /// A link, a pipe or the like lies under an event's name.
    case noPlainFile
    /// A name that is not ASCII is none of ours.
    case foreignName
    /// A process that is no consumer, such as a child of a handler, keeps the event's lock.
    case held
    /// Less is free than the configuration's minimum.
    case belowMinimum(bytes: Int)
    case noInodes
    /// A sync failed earlier, and no probe has succeeded since.
    case closed
    /// Another process has held an event's lock for too long.
    case locked
    /// Another folder, or none, lies at the path of one that is open.
    case moved
    /// The file `format` names a layout that this version does not know.
    /// - Parameter number: what stands there, if it is a number.
    case unknownLayout(number: Int?)
    /// The folder belongs to another user, whose events these are.
    case foreignOwner(uid_t)
  }

  /// Who pays for a failure: only what it says something about.
  package enum Concern: Sendable {
    /// One event's file. It is left out; others are handled.
    case event
    /// A folder, or the whole spool. No event is handled until somebody mends it; events stay where
    /// they are.
    case spool
    /// The disk below: as for the spool.
    case disk
    /// This process, which is short of descriptors or memory.
    case caller
  }

  /// What a call was made on.
  package enum Object: Sendable {
    /// One event's file, or its record.
    case event
    /// A folder, a name in it, or a file of the spool's own.
    case folder
  }

  package let cause: Cause
  /// One of the spool's own, as the spool was named.
  package let path: String
  package let concern: Concern

  package init(_ cause: Cause, _ path: String = "", of object: Object = .folder) {
    self.cause = cause
    self.path = path
    concern = Self.concern(of: cause, object)
  }

  init(_ error: SystemError, of object: Object) {
    self.init(.call(error.call, errno: error.errno), error.path, of: object)
  }

  /// Decides who pays for a failure; nothing else does.
  private static func concern(of cause: Cause, _ object: Object) -> Concern {
    switch (cause, object) {
    case (.call(_, EMFILE), _), (.call(_, ENFILE), _), (.call(_, ENOMEM), _): .caller
    // Whatever is wrong with one event's file says nothing of others, a bad sector included.
    case (.call, .event), (.tooLong, .event), (.nameIsTaken, _), (.noPlainFile, _),
      (.foreignName, _), (.held, _):
      .event
    case (.call(.fsync, _), _), (.call(_, EIO), _), (.call(_, EUCLEAN), _), (.closed, _): .disk
    case (.call, .folder), (.tooLong, .folder), (.belowMinimum, _), (.noInodes, _), (.locked, _),
      (.moved, _), (.unknownLayout, _), (.foreignOwner, _):
      .spool
    }
  }

  /// The same, but that another user's folder is what it is: the rights are as they shall be, and the
  /// wrong user runs this. What is another's in a folder of one's own has the wrong owner itself.
  package var forUser: SpoolError {
    guard case .call(.open, EACCES) = cause, geteuid() != 0, let owner = ownerOfFile(path),
      owner != geteuid(), ownerOfFile(folder) != geteuid()
    else { return self }
    return SpoolError(.foreignOwner(owner), path)
  }

  /// The path of the folder that holds it.
  private var folder: String {
    let parts = path.utf8.reversed().drop { $0 != UInt8(ascii: "/") }
    return parts.isEmpty ? "." : String(decoding: parts.reversed(), as: UTF8.self)
  }

  /// The same failure, of one event's file.
  var ofEvent: SpoolError { SpoolError(cause, path, of: .event) }

  /// Whether who runs this is the wrong user.
  package var isForeignOwner: Bool { if case .foreignOwner = cause { true } else { false } }

  /// What the failed call left in `errno`; nil if no call failed.
  package var errno: Int32? {
    if case .call(_, let code) = cause { code } else { nil }
  }
}

/// Nil if nothing lies there that can be reached.
private func ownerOfFile(_ path: String) -> uid_t? {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_uid : nil
}

// MARK: - For an operator

extension SpoolError {
  /// What failed, on what.
  package var message: String {
    let path = printable(path)
    return switch cause {
    case .call(let call, let code): "\(path): \(call.rawValue): \(errorText(code))"
    case .tooLong(let bytes): "\(path): longer than \(bytes) bytes"
    case .nameIsTaken: "\(path): something else lies there under the event's name"
    case .belowMinimum(1): "\(path): nothing is free"
    case .belowMinimum(let bytes):
      "\(path): less than \(bytes) bytes are free, which is the minimum (minimum-free-bytes)"
    case .noInodes: "\(path): no inodes are free"
    case .closed: "\(path): closed by a failed sync"
    case .locked: "\(path): another worker or process holds an event's lock"
    case .moved: "\(path): the folder was moved away while it was in use"
    case .unknownLayout(let number):
      "\(path): the spool has \(number.map { "layout \($0)" } ?? "no layout number"), and this version "
        + "knows layout \(SpoolLayout.formatNumber)"
    case .noPlainFile: "\(path): not a plain file"
    case .foreignName: "\(path): not a name that a responder gives"
    case .held: "\(path): another process holds it, perhaps a child of the command that handled it"
    case .foreignOwner(let owner): "\(path) belongs to another user, \(printable(userName(owner)))"
    }
  }

  /// Both.
  package var explanation: String { "\(message); \(remedy)" }

  /// What mends it.
  package var remedy: String {
    switch cause {
    case .unknownLayout: "use the version that wrote the spool"
    case .foreignOwner(let owner):
      "run this as its owner: runuser -u \(printable(userName(owner))) -- COMMAND"
    case .tooLong, .nameIsTaken, .noPlainFile, .foreignName: "look at the file and move it away"
    case .belowMinimum, .noInodes: "free space or inodes in the spool's file system"
    case .closed: "look at the disk and the kernel's log"
    case .locked:
      "look at the disk and the kernel's log; fuser -v \(printable(path)) lists who has it open, the "
        + "responder among them: end only what does not belong there"
    case .held: "end that process: fuser -v \(printable(path)) names it"
    case .moved:
      "move it back, or make an empty one that belongs to the same user; it is opened again within a "
        + "second"
    case .call(.open, EISDIR) where isDraft, .call(.open, EINVAL) where isDraft:
      "the file system has no O_TMPFILE: put the spool on ext4, XFS or btrfs"
    case .call(let call, let code): Self.remedy(call, code)
    }
  }

  /// Whether it is a file without a name that was to be made.
  private var isDraft: Bool { path.hasSuffix("/.") }

  private static func remedy(_ call: SystemCall, _ errno: Int32) -> String {
    switch (call, errno) {
    case (.linkat, ENOENT): "mount /proc, which linking an open file needs"
    case (.open, EOPNOTSUPP):
      "the file system has no O_TMPFILE: put the spool on ext4, XFS or btrfs"
    case (.linkat, EPERM), (.linkat, EOPNOTSUPP):
      "the file system has no hard links: put the spool on ext4, XFS or btrfs"
    case (.renameat2, EINVAL):
      "the file system cannot rename a file without replacing another: put the spool on ext4, XFS or "
        + "btrfs"
    case (.inotifyAddWatch, ENOSPC): "raise fs.inotify.max_user_watches"
    case (.fcntl, _):
      "the file system has no byte-range locks: put the spool on ext4, XFS or btrfs"
    case (_, ENOTDIR), (_, ELOOP), (_, EISDIR), (_, EEXIST):
      "something else lies where the spool has a folder or a file of its own: move it away"
    case (_, ENOENT): "make the folder, owned by the user that the responder runs as, mode 0750"
    case (_, EACCES), (_, EPERM):
      "give the spool to the user that the responder runs as, and look for attributes (lsattr -d)"
    case (_, EROFS):
      "mount the spool's file system writable, and name the spool in ReadWritePaths= if a unit of "
        + "systemd runs this"
    case (_, EXDEV): "put all folders of an instance on one file system"
    case (_, ENOSPC), (_, EDQUOT): "free space or inodes in the spool's file system"
    case (_, EMFILE), (_, ENFILE): "raise the limit on open files (LimitNOFILE)"
    case (_, ENOMEM): "free memory: the machine has none left, or the service's limit is reached"
    default: "look at the disk and the kernel's log"
    }
  }

  /// What a delivery is answered.
  package var refusal: Refusal { Refusal(reason, detail, remedy: remedy) }

  private var detail: Refusal.Detail? {
    switch cause {
    case .call(let call, let code): .systemCall(call.rawValue, path: path, errno: code)
    case .belowMinimum(let bytes): .limit(bytes: bytes)
    case .noInodes, .closed, .unknownLayout, .foreignOwner, .tooLong, .nameIsTaken, .noPlainFile,
      .foreignName, .held, .locked, .moved:
      path.isEmpty ? nil : .path(path)
    }
  }

  private var reason: Refusal.Reason {
    switch cause {
    case .closed: .spoolClosed
    case .locked: .spoolLocked
    case .belowMinimum, .noInodes, .call(_, ENOSPC), .call(_, EDQUOT): .spoolFull
    case .call(_, EROFS): .spoolReadOnly
    case .foreignOwner, .call(_, EACCES), .call(_, EPERM): .spoolPermission
    case .call(_, EMFILE), .call(_, ENFILE): .spoolDescriptors
    case .call, .unknownLayout, .tooLong, .nameIsTaken, .noPlainFile, .foreignName, .held, .moved:
      .spoolIO
    }
  }
}

/// The result of `body`, which is called again as long as a signal interrupts it.
@discardableResult
func calling<Count: SignedInteger>(
  _ call: SystemCall, _ path: @autoclosure () -> String, on object: SpoolError.Object,
  _ body: () -> Count
) throws(SpoolError) -> Count {
  let result = retrying(body)
  guard result >= 0 else {
    let code = Glibc.errno
    throw SpoolError(.call(call, errno: code), path(), of: object)
  }
  return result
}
