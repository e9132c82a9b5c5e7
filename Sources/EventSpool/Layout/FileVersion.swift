internal import Glibc
internal import WebhookCore

/// Tells a file or a folder from the one that replaced it, or from itself before it changed.
struct FileVersion: Equatable {
  private let device: dev_t
  private let inode: ino_t
  /// The last change of its contents; of a folder, when a name last came or went (inode(7)).
  let time: timespec

  init(_ status: stat) {
    (device, inode, time) = (status.st_dev, status.st_ino, status.st_mtim)
  }

  static func == (one: FileVersion, other: FileVersion) -> Bool {
    one.device == other.device && one.inode == other.inode && isEqual(one.time, other.time)
  }
}

/// Whether a folder that changed at `time` would show a further change. One that changes within the
/// resolution of its time stamp does not.
func isSettled(_ time: timespec, _ now: Timestamp) -> Bool {
  // A folder's time may be any number: a difference could overflow.
  !(now.seconds - 2...now.seconds + 2).contains(Int64(time.tv_sec))
}

func isEqual(_ one: timespec, _ other: timespec) -> Bool {
  one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec
}
