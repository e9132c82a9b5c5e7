internal import Glibc
package import WebhookCore

/// An event that nobody else handles as long as this object, or a process that got its descriptor,
/// lives: the lock (flock(2)) belongs to the open file.
package final class ClaimedEvent: Sendable {
  package let instance: InstanceName
  package let fileName: String
  /// The file's absolute or relative path, as the spool was named, while it is claimed.
  package let path: String
  /// What has become of it before.
  package let record: AttemptRecord
  /// Where it was, and goes back to if it is not handled after all.
  let origin: EventState
  let file: FileDescriptor

  init(
    instance: InstanceName, fileName: String, path: String, record: AttemptRecord,
    origin: EventState, file: consuming FileDescriptor
  ) {
    self.instance = instance
    self.fileName = fileName
    self.path = path
    self.record = record
    self.origin = origin
    self.file = file
  }

  /// To be a handler's standard input: the lock goes with it, and its position is the file's start.
  package var descriptor: Int32 { file.raw }

  /// The file's bytes, a mebibyte of them at most; an event has far fewer. The position stays.
  package func contents() throws(SystemError) -> [UInt8] {
    var status = stat()
    try checked("fstat", path) { fstat(file.raw, &status) }
    let size = min(max(0, Int(status.st_size)), 1 << 20)
    var bytes = [UInt8](repeating: 0, count: size)
    let count = try checked("pread", path) { pread(file.raw, &bytes, size, 0) }
    return Array(bytes.prefix(count))
  }
}
