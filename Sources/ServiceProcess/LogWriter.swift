internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// Writes lines to standard error, on a thread of its own: no other thread ever waits for a reader
/// or a disk. Lines beyond the bound are lost, and counted.
///
/// Unchecked because the other properties are only touched while `arrival` is locked.
final class LogWriter: @unchecked Sendable {
  static let shared = LogWriter()

  /// Some 1,000 lines.
  private static let maximumPendingBytes = 256 << 10
  /// A pipe takes so many bytes in one piece (pipe(7), PIPE_BUF).
  private static let bytesPerWrite = 4_096
  /// A busy program does not wake the writer: it looks by itself after each nap, and waits to be woken
  /// only if it found nothing for some naps.
  private static let microsecondsOfNap: UInt32 = 5_000
  private static let napsBeforeWait = 20
  /// How long the end of the program waits for the last lines.
  private static let millisecondsAtExit = 1_000

  private let arrival = ConditionVariable()
  private var pending: [UInt8] = []
  private var lostLines = 0
  /// Since the start.
  private var allLostLines = 0
  private var lastLoss: Timestamp?
  private var isStarted = false
  private var isWaiting = false
  private var isWriting = false

  /// - Parameter line: ends in a newline.
  func append(_ line: [UInt8]) {
    arrival.lock()
    if !isStarted { start() }
    if pending.count + line.count > Self.maximumPendingBytes {
      lostLines += 1
      noteLoss(of: 1)
    } else {
      pending += line
    }
    let mustWake = isWaiting
    isWaiting = false
    arrival.unlock()
    if mustWake { arrival.signal() }
  }

  private func start() {
    isStarted = true
    try? startThread { [self] in run() }
    atexit { LogWriter.shared.flush() }
  }

  private func run() {
    var emptyNaps = 0
    while true {
      let (lines, lost) = nextBatch(waiting: emptyNaps >= Self.napsBeforeWait)
      emptyNaps = lines.isEmpty ? emptyNaps + 1 : 0
      write(lines)
      if lost > 0 {
        let line = LogLine(.warning, "lines of the log were lost", ["lines": .number(lost)])
        if !isWritten(Log.rendered(line)[...]) { reportLater(lost) }
      }
      usleep(Self.microsecondsOfNap)
    }
  }

  /// - Parameter waiting: for the next line.
  private func nextBatch(waiting: Bool) -> ([UInt8], lost: Int) {
    arrival.lock()
    defer { arrival.unlock() }
    isWriting = false
    while waiting && pending.isEmpty {
      isWaiting = true
      arrival.wait()
    }
    isWaiting = false
    isWriting = !pending.isEmpty
    defer { (pending, lostLines) = ([], 0) }
    return (pending, lostLines)
  }

  /// Whole lines in each piece, or another process's lines could come between.
  private func write(_ lines: [UInt8]) {
    var rest = lines[...]
    while !rest.isEmpty {
      let piece = rest.prefix(Self.bytesPerWrite)
      let end = rest.count <= Self.bytesPerWrite ? nil : piece.lastIndex(of: UInt8(ascii: "\n"))
      let lines = rest[...(end ?? piece.endIndex - 1)]
      if !isWritten(lines) {
        countLost(lines.count { $0 == UInt8(ascii: "\n") })
      }
      rest = rest[lines.endIndex...]
    }
  }

  /// Waits for as long as nobody reads.
  private func isWritten(_ lines: ArraySlice<UInt8>) -> Bool {
    var rest = lines
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var state = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        poll(&state, 1, -1)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }

  /// They are counted already, and that could not be said.
  private func reportLater(_ count: Int) {
    arrival.lock()
    lostLines += count
    arrival.unlock()
  }

  private func countLost(_ count: Int) {
    arrival.lock()
    lostLines += count
    noteLoss(of: count)
    arrival.unlock()
  }

  /// While `arrival` is locked.
  private func noteLoss(of count: Int) {
    allLostLines += count
    lastLoss = .now()
  }

  /// Since the start.
  var losses: (lines: Int, last: Timestamp?) {
    arrival.lock()
    defer { arrival.unlock() }
    return (allLostLines, lastLoss)
  }

  /// Waits until all lines are written, for a second at most.
  func flush() {
    for _ in 0..<Self.millisecondsAtExit {
      arrival.lock()
      let isDone = pending.isEmpty && !isWriting
      arrival.unlock()
      if isDone { return }
      usleep(1_000)
    }
  }
}
