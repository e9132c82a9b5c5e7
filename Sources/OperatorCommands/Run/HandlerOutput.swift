internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem

/// A handler's standard error or output: passed on to our own as it comes, up to a bound, and its end
/// kept. If a bar is shown, only whole lines are passed on, above it.
struct HandlerOutput {
  /// How much of one run is passed on: a handler in an endless loop must not fill the log's disk.
  static let maximumPassedBytes = 4 << 20
  private static let bytesPerRead = 16_384
  /// A pipe that is said to be writable takes so much without waiting (pipe(7), PIPE_BUF).
  private static let bytesPerWrite = 4_096
  private static let longestLine = 4_096

  /// How much of it was not passed on: it was over the bound, or nobody read ours.
  private(set) var cutBytes = 0
  private let target: Int32
  /// Nil if none is shown.
  private let bar: ProgressBar?
  /// The beginning of a line that has not ended, if a bar is shown.
  private var line: [UInt8] = []
  private var passedBytes = 0
  /// Whether a terminal is waited for. One that takes nothing for so long is stopped.
  private var isPatient = true
  /// What is kept, and room for a read behind it.
  private var bytes = [UInt8](
    repeating: 0, count: AttemptRecord.maximumOutputBytes + bytesPerRead)
  private var keptCount = 0

  /// - Parameter target: the descriptor that it is passed on to.
  init(passedOnTo target: Int32, above bar: ProgressBar? = nil) {
    self.target = target
    self.bar = bar
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

  /// To be called when no more comes: passes on a line that has not ended.
  mutating func finish() {
    guard let bar, !line.isEmpty else { return }
    let rest = line + [UInt8(ascii: "\n")]
    line = []
    bar.interrupted { writeOn(rest[...]) }
  }

  private mutating func passOn(_ new: ArraySlice<UInt8>) {
    let passed = new.prefix(max(0, Self.maximumPassedBytes - passedBytes - line.count))
    cutBytes += new.count - passed.count
    guard let bar else { return writeOn(passed) }
    line += passed
    let end = line.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    // A line without an end is not kept for ever.
    let isLong = line.count - end > Self.longestLine
    let lines = isLong ? line + [UInt8(ascii: "\n")] : Array(line[..<end])
    line.removeFirst(isLong ? line.count : end)
    if !lines.isEmpty { bar.interrupted { writeOn(lines[...]) } }
  }

  /// If nobody reads our own, it is not waited for; a terminal is, for a moment.
  private mutating func writeOn(_ new: ArraySlice<UInt8>) {
    var rest = new
    while !rest.isEmpty {
      let piece = rest.prefix(Self.bytesPerWrite)
      let patience: Int32 = bar != nil && isPatient ? 5_000 : 0
      let isRead = isWritable(target, withinMilliseconds: patience)
      if !isRead { isPatient = false }
      let count = isRead ? written(piece) : 0
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
