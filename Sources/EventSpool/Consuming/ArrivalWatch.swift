internal import Glibc

/// Notices that something has come into `new` (inotify(7)). Where there are no further watches to be
/// had, arrivals are noticed at the next look.
final class ArrivalWatch {
  private let inotify: FileDescriptor

  init() {
    inotify = FileDescriptor(
      owning: inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)))
  }

  var descriptor: Int32 { inotify.raw }

  /// Folders that are watched already stay so; one that was made again is a new one.
  func look(after consumers: [EventConsumer]) {
    for consumer in consumers {
      inotify_add_watch(
        inotify.raw, consumer.path(of: .new), UInt32(IN_CREATE) | UInt32(IN_MOVED_TO))
    }
  }

  /// What has come is found in the folders themselves.
  func clear() {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    while read(inotify.raw, &bytes, bytes.count) > 0 {}
  }
}
