internal import Glibc

/// Calls `body` with every name in a folder but `.` and `..`, in no order, as long as it returns
/// true. However many names there are, none is kept.
/// - Parameter folder: a descriptor that belongs to this call, which closes it.
package func forEachName(
  inFolder folder: consuming FileDescriptor, _ path: @autoclosure () -> String,
  _ body: (UnsafeRawBufferPointer) -> Bool
) throws(SystemError) {
  guard let stream = fdopendir(folder.raw) else {
    throw SystemError(.fdopendir, path(), errno: errno)
  }
  // closedir closes it.
  _ = folder.release()
  defer { closedir(stream) }
  while true {
    errno = 0
    guard let entry = readdir(stream) else { break }
    let isWanted = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      guard let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else {
        return true
      }
      let name = UnsafeRawBufferPointer(start: start, count: strnlen(start, bytes.count))
      let isDots = name.count <= 2 && name.allSatisfy { $0 == UInt8(ascii: ".") }
      return isDots || body(name)
    }
    guard isWanted else { return }
  }
  guard errno == 0 else { throw SystemError(.readdir, path(), errno: errno) }
}
