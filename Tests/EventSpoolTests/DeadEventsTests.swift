internal import EventSpool
internal import TestSupport
internal import Testing
internal import WebhookCore

struct DeadEventsTests {
  private let folder: TemporaryFolder
  private let instance: InstanceName

  init() throws {
    folder = try TemporaryFolder()
    instance = try exampleInstance().name
    try folder.makeFolder("acme/dead")
  }

  private func name(_ number: Int) -> String {
    "20260921T1413\(10 + number)Z-export-done-\(number)-\(String(repeating: "a", count: 32)).json"
  }

  private func youngest(_ limit: Int) throws -> [(name: String, record: AttemptRecord?)] {
    try SpoolReader(path: folder.path).youngestDead(of: instance, atMost: limit)
      .map { ($0.entry.fileName, $0.record) }
  }

  @Test func youngestComeFirstAndNoMoreThanWanted() throws {
    // In no order.
    for number in [3, 7, 1, 9, 0, 8, 2, 5, 4, 6] {
      try folder.write([], to: "acme/dead/\(name(number))")
    }
    #expect(try youngest(3).map(\.name) == [9, 8, 7].map(name))
    #expect(try youngest(10).map(\.name) == (0...9).reversed().map(name))
    #expect(try youngest(20).count == 10)
  }

  @Test func eachSaysWhyItWasGivenUp() throws {
    var record = AttemptRecord()
    record.ending = .exit(3)
    record.output = "<b>no</b>"
    try folder.write([], to: "acme/dead/\(name(1))")
    try folder.write(record.line, to: "acme/dead/\(name(1)).state")
    try folder.write([], to: "acme/dead/\(name(2))")
    try folder.write("rubbish".utf8, to: "acme/dead/\(name(2)).state")
    try folder.write([], to: "acme/dead/\(name(3))")
    let found = try youngest(10)
    #expect(found.map(\.record) == [nil, nil, record])
  }

  @Test func otherFilesAndOtherStatesAreNoDeadEvents() throws {
    for file in ["foreign.json", ".draft.json", "\(name(1)).state", "a.txt"] {
      try folder.write([], to: "acme/dead/\(file)")
    }
    try folder.write([], to: "acme/defer/\(name(2))")
    #expect(try youngest(10).isEmpty)
  }

  @Test func missingFolderHasNone() throws {
    let other = try #require(InstanceName("other"))
    #expect(try SpoolReader(path: folder.path).youngestDead(of: other, atMost: 1).isEmpty)
  }
}
