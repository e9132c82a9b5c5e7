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

  /// - Parameter outputs: what it writes to.
  /// - Returns: why it ended, and how.
  mutating func end(
    of process: borrowing ChildProcess, _ outputs: inout [HandlerStream]
  ) -> (Cause, ChildProcess.Ending) {
    while true {
      let open = outputs.map { $0.isOpen ? $0.source : -1 }
      waitUntilReadable([process.descriptor] + open, milliseconds: 100)
      for index in outputs.indices { outputs[index].read() }
      if let ending = process.ending() {
        // What it said last; a grandchild may keep the pipe open, and is not waited for.
        for index in outputs.indices {
          outputs[index].read()
          outputs[index].output.finish()
        }
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

/// A pipe that a handler writes to.
struct HandlerStream {
  /// Does not block.
  let source: Int32
  var output: HandlerOutput
  private(set) var isOpen = true

  init(from source: Int32, _ output: HandlerOutput) {
    (self.source, self.output) = (source, output)
  }

  mutating func read() { isOpen = output.read(from: source) }
}
