internal import CLinux
internal import Glibc

/// Holds every event's lock of an instance, as a stuck process would.
struct LockHolder: ~Copyable {
  private let descriptor: Int32

  init(spool: String, instance: String = "acme") {
    descriptor = open("\(spool)/\(instance)/lock", O_RDWR | O_CLOEXEC)
    precondition(clinux_lock_range(descriptor, 0, .max) == 0, "the lock is free")
  }

  deinit { close(descriptor) }
}
