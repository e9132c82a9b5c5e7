internal import Glibc

/// A file that no directory knows yet. If it is never linked, nothing of it stays.
struct UnnamedFile: ~Copyable {
  let descriptor: FileDescriptor
  let path: String
  let calls: SystemCalls

  /// All of `bytes`, or an error.
  func write(_ bytes: [UInt8]) throws(SystemError) {
    var offset = 0
    while offset < bytes.count {
      let written = try checked("write", path) {
        bytes.withUnsafeBytes { buffer in
          let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
          return calls.write(descriptor.raw, rest.baseAddress, rest.count)
        }
      }
      // Nothing written and no error: it would be so for ever.
      guard written > 0 else { throw SystemError(call: "write", path: path, errno: EIO) }
      offset += written
    }
  }

  /// Makes the contents durable.
  func sync() throws(SystemError) {
    try checked("fsync", path) { calls.fsync(descriptor.raw) }
  }

  /// Takes a byte-range lock on the file and lets it go.
  func tryLock() throws(SystemError) {
    try checked("fcntl", path) { calls.lockByte(descriptor.raw, 0) }
    try checked("fcntl", path) { calls.unlockByte(descriptor.raw, 0) }
  }
}
