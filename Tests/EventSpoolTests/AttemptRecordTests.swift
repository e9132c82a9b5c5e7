internal import Testing

@testable import EventSpool

struct AttemptRecordTests {
  @Test(arguments: ["a.json.state", ".a.json.state", "..a.json.state"])
  func recordsAndTheirDraftsAreAnEvents(name: String) {
    #expect(AttemptRecord.eventName(ofFile: name) == "a.json")
  }

  /// Pruning would remove it as a record whose event is gone.
  @Test(arguments: [".json.state", "..json.state", "a.json", "a.state", "a.json.state.old", ""])
  func fileOfAnotherNameIsNoRecord(name: String) {
    #expect(AttemptRecord.eventName(ofFile: name) == nil)
  }
}
