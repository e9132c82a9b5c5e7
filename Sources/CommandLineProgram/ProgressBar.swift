internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// A bar on standard error for long work; nothing if that is not a terminal. Any thread may count.
package final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var drawn: ContinuousClock.Instant?
  }

  private static let width = 30

  private let total: Int
  package let isShown: Bool
  private let state = Mutex(State())

  /// - Parameter total: is counted only if there is a terminal.
  package init(total: @autoclosure () throws -> Int) rethrows {
    let count = isatty(STDERR_FILENO) == 1 ? try total() : 0
    self.total = count
    isShown = count > 0
  }

  package func advance() {
    guard isShown else { return }
    let now = ContinuousClock.now
    state.withLock { state in
      state.done += 1
      // Ten times a second is enough for eyes.
      if let drawn = state.drawn, now - drawn < .milliseconds(100), state.done < total { return }
      state.drawn = now
      draw(state.done)
    }
  }

  /// Clears the bar's line for what `body` prints; the next step draws it again.
  package func interrupted(_ body: () -> Void) {
    guard isShown else { return body() }
    state.withLock { state in
      write("\r\u{1B}[K")
      body()
      draw(state.done)
    }
  }

  /// Leaves an empty line.
  package func finish() {
    if isShown { write("\r\u{1B}[K") }
  }

  private func draw(_ done: Int) {
    // More may have come since they were counted.
    let total = max(total, done)
    let filled = Self.width * done / total
    let bar =
      String(repeating: "#", count: filled) + String(repeating: " ", count: Self.width - filled)
    write("\r[\(bar)] \(done)/\(total)")
  }

  /// A terminal that was stopped (Ctrl-S) is not waited for.
  private func write(_ text: String) {
    guard isWritable(STDERR_FILENO) else { return }
    try? writeAll(Array(text.utf8), to: STDERR_FILENO)
  }
}
