internal import Synchronization
internal import Testing

/// The test runner starts all tests at once. Hundreds that run programs and wait for them would each
/// take as long as all together: minutes on a busy machine, in which tokens grow stale and the
/// program's own time limits pass. So of the tests of these suites only some run at a time.
struct InTurn: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  private static let turns = Turns()

  /// Each case of each test takes a turn, and no suite does.
  func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
    testCase == nil ? nil : self
  }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    await Self.turns.take()
    defer { Self.turns.giveBack() }
    try await function()
  }
}

extension SuiteTrait where Self == InTurn {
  static var inTurn: Self { Self() }
}

extension SuiteTrait where Self == TimeLimitTrait {
  /// Ends a test that hangs. Its time runs while it waits for its turn, too: so the limit is one that
  /// not even all tests together come near.
  static var noHang: Self { .timeLimit(.minutes(90)) }
}

/// A bound on how many go on. Who comes first is first.
private final class Turns: Sendable {
  private struct State {
    var free = 12
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  func take() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        guard state.free == 0 else {
          state.free -= 1
          return true
        }
        state.waiting.append(continuation)
        return false
      }
      if isFree { continuation.resume() }
    }
  }

  func giveBack() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
      state.free += 1
      return nil
    }
    next?.resume()
  }
}
