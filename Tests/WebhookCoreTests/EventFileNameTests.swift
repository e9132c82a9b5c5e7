internal import TestSupport
internal import Testing
internal import WebhookCore

struct EventFileNameTests {
  private static let digits = "0123456789abcdef0123456789abcdef"

  @Test func nameOfAnEventIsReadBack() throws {
    let event = try exampleEvent(id: "50 %")
    let name = try #require(EventFileName(parsing: event.fileName))
    #expect(name.description == event.fileName)
    #expect(name.issuedAt == "20260921T141320Z")
    #expect(name.issuedSeconds == 1_790_000_000)
    #expect(name.kind == "export")
    #expect(name.status == "done")
    #expect(name.claimID == "50__")
    #expect(name.idPrefix == event.id.hex.prefix(32))
  }

  @Test(arguments: [
    "20260921T141320Z-scan-done-1-\(digits).json",
    // Neither a time nor a claim is needed: a writer of the spool can name a file at will.
    "----\(digits).json",
  ])
  func nameOfFivePartsIsParsed(name: String) {
    #expect(EventFileName(parsing: name)?.description == name)
  }

  @Test(arguments: [
    "", ".json", "20260921T141320Z-scan-done-1-\(digits)",
    "20260921T141320Z-scan-done-1-\(digits).json.state",
    "20260921T141320Z-scan-done-1-\(digits.dropLast()).json",
    "20260921T141320Z-scan-done-1-\(digits)0.json",
    "20260921T141320Z-scan-done-\(digits).json",
    "20260921T141320Z-scan-done-1-2-\(digits).json",
  ])
  func nameOfAnotherFormIsNot(name: String) {
    #expect(EventFileName(parsing: name) == nil)
  }

  @Test(arguments: ["", "20260231T000000Z", "20260921T141320", "20260921T246000Z"])
  func nameWithoutATimeHasNoSeconds(time: String) throws {
    let name = try #require(EventFileName(parsing: "\(time)-scan-done-1-\(Self.digits).json"))
    #expect(name.issuedSeconds == nil)
  }

  @Test(arguments: [
    ("a.json", true), ("a.json.json", true), ("20260921T141320Z-a-b-c-d.json", true),
    (".json", false), (".a.json", false), ("a.json.state", false), ("a.JSON", false),
    ("json", false), ("a.jso", false), ("", false),
  ])
  func visibleNameWithTheSuffixMarksAnEvent(name: String, marks: Bool) {
    #expect(isEventsName(Array(name.utf8).span) == marks)
  }
}
