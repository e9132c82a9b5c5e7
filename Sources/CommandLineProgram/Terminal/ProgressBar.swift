internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// A bar on standard error for long work; nothing if that is not a terminal. Any thread may count.
///
/// It needs only carriage returns and blanks, which every terminal knows.
package final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var drawn: ContinuousClock.Instant?
    /// How many columns of the line are taken.
    var width = 0
  }

  private static let longest = 30
  private static let shortest = 5

  private let total: Int
  package let isShown: Bool
  private let state = Mutex(State())

  /// - Parameters:
  ///   - isWanted: whether a person at a terminal is to see one.
  ///   - total: is counted only if there is a terminal.
  package init(isWanted: Bool = true, total: @autoclosure () throws -> Int) rethrows {
    let count = isWanted && isErrorTerminal ? try total() : 0
    self.total = count
    isShown = count > 0
    if isShown { state.withLock { draw(&$0) } }
  }

  package func advance() {
    guard isShown else { return }
    let now = ContinuousClock.now
    state.withLock { state in
      state.done += 1
      // Ten times a second is enough for eyes.
      if let drawn = state.drawn, now - drawn < .milliseconds(100), state.done < total { return }
      state.drawn = now
      draw(&state)
    }
  }

  /// Clears the bar's line for whole lines that `body` prints, and draws it again below them.
  package func interrupted(_ body: () -> Void) {
    guard isShown else { return body() }
    state.withLock { state in
      clear(&state)
      body()
      draw(&state)
    }
  }

  /// Leaves an empty line.
  package func finish() {
    if isShown { state.withLock { clear(&$0) } }
  }

  /// As it fits the columns: without the bar if they are few, and nothing if there are fewer yet.
  static func text(_ done: Int, of total: Int, columns: Int) -> String {
    let count = "\(done)/\(total)"
    let room = min(longest, columns - count.utf8.count - 3)
    guard room >= shortest else { return count.utf8.count <= columns ? count : "" }
    let filled = room * done / total
    return "[" + String(repeating: "#", count: filled)
      + String(repeating: " ", count: room - filled) + "] " + count
  }

  private func draw(_ state: inout State) {
    // More may have come since they were counted.
    let total = max(total, state.done)
    // In the last column, some terminals go to the next line.
    let text = Self.text(state.done, of: total, columns: columns - 1)
    let blanks = max(0, min(state.width, columns - 1) - text.utf8.count)
    write("\r" + text + String(repeating: " ", count: blanks))
    state.width = text.utf8.count + blanks
  }

  private func clear(_ state: inout State) {
    write("\r" + String(repeating: " ", count: min(state.width, columns - 1)) + "\r")
    state.width = 0
  }

  private var columns: Int { terminalColumns(STDERR_FILENO) ?? defaultColumns }

  /// A terminal that was stopped (Ctrl-S) is not waited for.
  private func write(_ text: String) {
    guard isWritable(STDERR_FILENO) else { return }
    try? writeAll(Array(text.utf8), to: STDERR_FILENO)
  }
}
