internal import Glibc

/// Why a file could not be read, in words for an operator.
package struct FileError: Error, Equatable, Sendable {
  package let message: String
}

/// The bytes of the file at `path`, which symbolic links may lead to.
/// - Parameters:
///   - maxBytes: more are an error.
///   - isWaiting: for a pipe or a terminal, whose bytes are still to come; else such a path is not
///     waited for.
package func contents(
  ofFile path: String, maxBytes: Int = 1 << 20, isWaiting: Bool = false
) throws(FileError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | (isWaiting ? 0 : O_NONBLOCK))
  guard descriptor >= 0 else { throw FileError(message: String(cString: strerror(errno))) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 16_384)
  while true {
    let count = read(descriptor, &buffer, 16_384)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else { throw FileError(message: String(cString: strerror(errno))) }
    guard count > 0 else { return bytes }
    bytes += buffer.prefix(count)
    guard bytes.count <= maxBytes else {
      throw FileError(message: "longer than \(maxBytes) bytes")
    }
  }
}
