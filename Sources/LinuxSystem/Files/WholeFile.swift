internal import Glibc

/// The bytes of an open file to its end, or one more than `maxBytes` of them: so many say that
/// there are more.
/// - Parameter keepsPosition: the descriptor's position stays as it is, for others that share it.
///   The file must be one that can be read at an offset.
package func contents(
  of descriptor: Int32, _ path: @autoclosure () -> String, maxBytes: Int,
  keepsPosition: Bool = false
) throws(SystemError) -> [UInt8] {
  var bytes: [UInt8] = []
  while bytes.count <= maxBytes {
    let chunk = min(16_384, maxBytes + 1 - bytes.count)
    let offset = bytes.count
    var failure: SystemError?
    let more = [UInt8](unsafeUninitializedCapacity: chunk) { buffer, count in
      do throws(SystemError) {
        count =
          keepsPosition
          ? try checked(.pread, path()) { pread(descriptor, buffer.baseAddress, chunk, offset) }
          : try checked(.read, path()) { read(descriptor, buffer.baseAddress, chunk) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    if more.isEmpty { break }
    if bytes.isEmpty { bytes = more } else { bytes += more }
  }
  return bytes
}

/// The same of the file at `path`, which symbolic links may lead to.
/// - Parameter isWaiting: for a pipe or a terminal, whose bytes are still to come; else such a path
///   is not waited for, and fails.
package func contents(
  ofFile path: String, maxBytes: Int, isWaiting: Bool = false
) throws(SystemError) -> [UInt8] {
  let flags = O_RDONLY | O_CLOEXEC | (isWaiting ? 0 : O_NONBLOCK)
  let file = FileDescriptor(owning: try checked(.open, path) { open(path, flags) })
  if !isWaiting {
    // Without a writer, a pipe would look like an empty file.
    var status = stat()
    let raw = file.raw
    _ = try checked(.fstat, path) { fstat(raw, &status) }
    if status.st_mode & S_IFMT == S_IFIFO { throw SystemError(.read, path, errno: EAGAIN) }
  }
  return try contents(of: file.raw, path, maxBytes: maxBytes)
}

/// Writes all of `bytes`, or fails.
package func writeAll(
  _ bytes: [UInt8], to descriptor: Int32, _ path: @autoclosure () -> String = "",
  by write: (Int32, UnsafeRawPointer?, Int) -> Int = { Glibc.write($0, $1, $2) }
) throws(SystemError) {
  var offset = 0
  while offset < bytes.count {
    let written = try checked(.write, path()) {
      bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
        return write(descriptor, rest.baseAddress, rest.count)
      }
    }
    // Nothing written and no error: the next try would end the same way.
    guard written > 0 else { throw SystemError(.write, path(), errno: EIO) }
    offset += written
  }
}
