internal import Glibc
internal import LinuxSystem
internal import ServiceProcess

/// Waits for a handler's end: passes on what it says, and ends it at its time limit or when the
/// runner is to end what it has in hand.
struct HandlerWait {
  /// Why a handler has ended.
  enum Cause {
    case ended, timeLimit, stop
  }

  /// How long a process that was asked to end may take.
  private static let timeToEnd = Duration.seconds(5)

  private let now: () -> SuspendingClock.Instant
  private let stop: StopRequest
  private let deadline: SuspendingClock.Instant
  private var cause = Cause.ended
  private var killAt: SuspendingClock.Instant?

  /// Its time begins now.
  init(timeLimit: Duration, _ stop: StopRequest, now: @escaping () -> SuspendingClock.Instant) {
    self.now = now
    self.stop = stop
    deadline = now() + timeLimit
  }

  /// - Parameter output: its standard error, which does not block.
  /// - Returns: why it ended, and how.
  mutating func end(
    of process: borrowing ChildProcess, output: Int32, _ errorOutput: inout ErrorOutput
  ) -> (Cause, ChildProcess.Ending) {
    var isOutputOpen = true
    while true {
      waitUntilReadable([process.descriptor, isOutputOpen ? output : -1], milliseconds: 100)
      isOutputOpen = errorOutput.read(from: output)
      if let ending = process.ending() {
        // What it said last; a grandchild may keep the pipe open, and is not waited for.
        _ = errorOutput.read(from: output)
        return (cause, ending)
      }
      endIfDue(process)
    }
  }

  private mutating func endIfDue(_ process: borrowing ChildProcess) {
    let now = now()
    if let killAt {
      if now >= killAt { process.end() }
    } else if now >= deadline || stop.endsWork {
      cause = now >= deadline ? .timeLimit : .stop
      process.askToEnd()
      killAt = now + Self.timeToEnd
    }
  }
}
