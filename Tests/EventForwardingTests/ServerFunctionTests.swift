@testable internal import EventForwarding
internal import Testing

struct ServerFunctionTests {
  @Test(
    arguments: [
      (3, 3, [.notify]), (3, 1, [.notify, .logMessage]), (3, 0, [.logMessage]), (0, 0, []),
    ] as [(Int, Int, Set<ServerFunction>)])
  func rowsThatAreThereAlreadyNeedAMessageInTheLog(
    events: Int, inserted: Int, functions: Set<ServerFunction>
  ) {
    #expect(ServerFunction.needed(events: events, inserted: inserted) == functions)
  }
}
