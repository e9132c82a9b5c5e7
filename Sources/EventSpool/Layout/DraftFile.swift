internal import Glibc
internal import LinuxSystem

/// An event's file that no directory knows yet. If it is never linked, nothing of it stays.
struct DraftFile: ~Copyable {
  let descriptor: FileDescriptor
  let path: String
  let calls: SystemCalls

  /// All of `bytes`, or an error.
  func write(_ bytes: [UInt8]) throws(SpoolError) {
    do throws(SystemError) {
      try writeAll(bytes, to: descriptor.raw, path, by: calls.write)
    } catch {
      throw SpoolError(error, of: .folder)
    }
  }

  /// Makes the contents durable.
  func sync() throws(SpoolError) {
    try calling(.fsync, path, on: .folder) { calls.fsync(descriptor.raw) }
  }

  /// Takes a byte-range lock on the file and lets it go.
  func tryLock() throws(SpoolError) {
    try calling(.fcntl, path, on: .folder) { calls.lockByte(descriptor.raw, 0) }
    try calling(.fcntl, path, on: .folder) { calls.unlockByte(descriptor.raw, 0) }
  }
}
