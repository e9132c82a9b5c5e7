internal import LinuxSystem
internal import Testing

struct WakeUpTests {
  @Test func signalCanBeReadUntilItIsCleared() throws {
    let wakeUp = try WakeUp()
    #expect(!isReadable(wakeUp.descriptor, withinMilliseconds: 0))
    wakeUp.signal()
    wakeUp.signal()
    #expect(isReadable(wakeUp.descriptor, withinMilliseconds: 0))
    wakeUp.clear()
    #expect(!isReadable(wakeUp.descriptor, withinMilliseconds: 0))
  }

  @Test func signalsThatFillThePipeWaitForNobody() throws {
    let wakeUp = try WakeUp()
    // A pipe holds 65,536 bytes (pipe(7)).
    for _ in 0..<70_000 { wakeUp.signal() }
    wakeUp.clear()
    #expect(!isReadable(wakeUp.descriptor, withinMilliseconds: 0))
  }

  @Test func clearingWithoutASignalWaitsForNone() throws {
    try WakeUp().clear()
  }

  @Test func waitingThreadIsWokenByAnother() throws {
    let wakeUp = try WakeUp()
    try startThread { wakeUp.signal() }
    waitUntilReadable([-1, wakeUp.descriptor], milliseconds: -1)
    #expect(isReadable(wakeUp.descriptor, withinMilliseconds: 0))
  }
}
