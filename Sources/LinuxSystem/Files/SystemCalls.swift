internal import CLinux
package import Glibc

/// The system calls that durable files are made of. A test replaces one to record the order or to
/// fail it on purpose: like the call it stands for, each returns -1 and sets `errno`.
package struct SystemCalls: Sendable {
  package var openat: @Sendable (Int32, String, Int32, mode_t) -> Int32 = {
    Glibc.openat($0, $1, $2, $3)
  }
  package var write: @Sendable (Int32, UnsafeRawPointer?, Int) -> Int = { Glibc.write($0, $1, $2) }
  package var fsync: @Sendable (Int32) -> Int32 = { Glibc.fsync($0) }
  /// `linkat` of an open file, through `/proc/self/fd`.
  package var linkOpenFile: @Sendable (Int32, Int32, String) -> Int32 = { file, directory, name in
    // AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH before Linux 6.10.
    Glibc.linkat(AT_FDCWD, "/proc/self/fd/\(file)", directory, name, AT_SYMLINK_FOLLOW)
  }
  package var unlinkat: @Sendable (Int32, String, Int32) -> Int32 = { Glibc.unlinkat($0, $1, $2) }
  /// `renameat2` that replaces nothing.
  package var renameNew: @Sendable (Int32, String, Int32, String) -> Int32 = {
    clinux_rename_new($0, $1, $2, $3)
  }
  package var renameat: @Sendable (Int32, String, Int32, String) -> Int32 = {
    Glibc.renameat($0, $1, $2, $3)
  }
  package var mkdirat: @Sendable (Int32, String, mode_t) -> Int32 = { Glibc.mkdirat($0, $1, $2) }
  package var faccessat: @Sendable (Int32, String, Int32, Int32) -> Int32 = {
    Glibc.faccessat($0, $1, $2, $3)
  }
  /// What lies at a name, a symbolic link itself included.
  package var fstatat: @Sendable (Int32, String, UnsafeMutablePointer<stat>) -> Int32 = {
    Glibc.fstatat($0, $1, $2, AT_SYMLINK_NOFOLLOW)
  }
  /// Whether the path leads to this file or folder.
  package var isAtPath: @Sendable (FileIdentity, String) -> Bool = { FileIdentity(path: $1) == $0 }
  package var fstatvfs: @Sendable (Int32, UnsafeMutablePointer<statvfs>) -> Int32 = {
    Glibc.fstatvfs($0, $1)
  }
  /// 1 if the descriptor lies on btrfs, else 0.
  package var isOnBtrfs: @Sendable (Int32) -> Int32 = { clinux_is_on_btrfs($0) }
  /// 1 if the folder is immutable or takes additions only, whoever asks (chattr(1)), else 0.
  package var isRestricted: @Sendable (Int32) -> Int32 = { clinux_is_restricted($0) }
  package var lockByte: @Sendable (Int32, Int64) -> Int32 = { clinux_lock_range($0, $1, 1) }
  package var unlockByte: @Sendable (Int32, Int64) -> Int32 = { clinux_unlock_range($0, $1, 1) }

  package init() {}
}

/// open(2), `O_PATH`: the file itself, not its content.
package let openPathOnly = clinux_O_PATH

/// `AT_EMPTY_PATH`: the descriptor itself is meant.
package let atEmptyPath = clinux_AT_EMPTY_PATH

/// What tells one file or folder from all others (inode(7)).
package struct FileIdentity: Equatable, Sendable {
  private let device: dev_t
  private let inode: ino_t

  /// Nil if nothing lies there that can be reached.
  package init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    (device, inode) = (status.st_dev, status.st_ino)
  }

  package init?(_ descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    (device, inode) = (status.st_dev, status.st_ino)
  }
}

/// open(2), `O_TMPFILE`: a file without a name.
package let openTemporaryFile = clinux_O_TMPFILE
