internal import EventSpool
internal import Glibc
internal import LinuxSystem

/// A handler's standard error: passed on to our own as it comes, up to a bound, and its end kept.
struct ErrorOutput {
  /// How much of one run is passed on: a handler in an endless loop must not fill the log's disk.
  static let maximumPassedBytes = 4 << 20
  private static let bytesPerRead = 16_384
  /// A pipe that is said to be writable takes so much without waiting (pipe(7), PIPE_BUF).
  private static let bytesPerWrite = 4_096

  /// How much of it was not passed on: it was over the bound, or nobody read ours.
  private(set) var cutBytes = 0
  private let target: Int32
  private var passedBytes = 0
  /// What is kept, and room for a read behind it.
  private var bytes = [UInt8](
    repeating: 0, count: AttemptRecord.maximumOutputBytes + bytesPerRead)
  private var keptCount = 0

  /// - Parameter target: the descriptor that it is passed on to.
  init(passedOnTo target: Int32 = STDERR_FILENO) {
    self.target = target
  }

  /// The last of it.
  var text: String { String(decoding: bytes[..<keptCount], as: UTF8.self) }

  /// Reads what there is, but not without an end: a handler may write faster than it is read.
  /// - Returns: whether more may come.
  mutating func read(from descriptor: Int32) -> Bool {
    for _ in 0..<64 {
      let start = keptCount
      let count = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress?.advanced(by: start), Self.bytesPerRead)
      }
      guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
      passOn(bytes[start..<start + count])
      keep(start + count)
    }
    return true
  }

  /// If nobody reads our own, it is not waited for.
  private mutating func passOn(_ new: ArraySlice<UInt8>) {
    var rest = new.prefix(Self.maximumPassedBytes - passedBytes)
    cutBytes += new.count - rest.count
    while !rest.isEmpty {
      let piece = rest.prefix(Self.bytesPerWrite)
      let count = isWritable(target) ? written(piece) : 0
      passedBytes += count
      cutBytes += piece.count - count
      rest = rest.dropFirst(piece.count)
    }
  }

  private func written(_ piece: ArraySlice<UInt8>) -> Int {
    max(0, piece.withUnsafeBytes { write(target, $0.baseAddress, $0.count) })
  }

  /// Keeps the last of the first `count` bytes.
  private mutating func keep(_ count: Int) {
    keptCount = min(count, AttemptRecord.maximumOutputBytes)
    let size = keptCount
    bytes.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      memmove(start, start + count - size, size)
    }
  }
}
