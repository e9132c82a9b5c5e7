internal import EventSpool
internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

struct OldestWaitingTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("1\n".utf8, to: "acme/format")
  }

  private func oldest(of instance: String? = nil) throws -> Int64? {
    try SpoolReader(path: folder.path).oldestWaiting { name in
      instance.map { name.description == $0 } ?? true
    }
  }

  private func add(_ time: String, to place: String) throws {
    try folder.write(
      [], to: "\(place)/\(time)-export-done-1-\(String(repeating: "a", count: 32)).json")
  }

  @Test func emptySpoolHasNone() throws {
    #expect(try oldest() == nil)
  }

  @Test(arguments: ["new", "cur", "defer"])
  func eventWaitsWhereverItIsToBeHandledFrom(state: String) throws {
    for other in ["new", "cur", "defer"] { try add("20260921T141500Z", to: "acme/\(other)") }
    try add("20260921T141320Z", to: "acme/\(state)")
    #expect(try oldest() == 1_790_000_000)
  }

  @Test func whatIsDoneWaitsNoLonger() throws {
    try add("20260921T141320Z", to: "acme/dead")
    try add("20260921T141320Z", to: "acme/done/2026-09-21")
    #expect(try oldest() == nil)
  }

  @Test func onlyWantedInstancesCount() throws {
    try folder.write("1\n".utf8, to: "other/format")
    try add("20260921T141320Z", to: "other/new")
    try add("20260921T141321Z", to: "acme/new")
    #expect(try oldest() == 1_790_000_000)
    #expect(try oldest(of: "acme") == 1_790_000_001)
  }

  @Test(.enabled(if: getuid() == 0, "needs root, to give an instance to another user"))
  func instancesOfOtherUsersAreLeftOut() throws {
    try folder.write("1\n".utf8, to: "other/format")
    try add("20260921T141320Z", to: "other/new")
    chown("\(folder.path)/other", 65_534, 65_534)
    #expect(try oldest() == nil)
  }

  @Test func spoolThatIsAwayIsNotEmpty() {
    #expect(throws: SpoolError.self) {
      try SpoolReader(path: "\(folder.path)/away").oldestWaiting { _ in true }
    }
  }
}
