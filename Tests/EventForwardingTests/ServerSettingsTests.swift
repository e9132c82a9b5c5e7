@testable internal import EventForwarding
internal import Testing

struct ServerSettingsTests {
  private func settings(
    synchronousCommit: String? = "on", fsync: String? = "on", encoding: String? = "UTF8",
    persistence: String? = "p"
  ) throws -> ServerSettings {
    try #require(ServerSettings([synchronousCommit, fsync, encoding, persistence, "27000ms"]))
  }

  @Test(arguments: ["on", "remote_apply", "remote_write", "local", nil])
  func commitThatWaitsForTheDiskIsAPromise(synchronousCommit: String?) throws {
    #expect(try settings(synchronousCommit: synchronousCommit).problem == nil)
  }

  @Test func commitThatDoesNotWaitIsNone() throws {
    #expect(
      try settings(synchronousCommit: "off").problem?.hasPrefix("synchronous_commit is off") == true
    )
  }

  /// Some relatives of PostgreSQL have no such setting.
  @Test func settingThatIsUnknownIsNoProblem() throws {
    #expect(try settings(fsync: nil, encoding: nil).problem == nil)
  }

  @Test func serverThatDoesNotSyncIsNamed() throws {
    #expect(try settings(fsync: "off").problem?.hasPrefix("fsync is off") == true)
  }

  @Test(arguments: ["LATIN1", "SQL_ASCII", "utf8"])
  func encodingThatCannotHoldEveryEventIsNamed(encoding: String) throws {
    #expect(try settings(encoding: encoding).problem?.contains("encoding is \(encoding)") == true)
  }

  @Test func missingTableIsNamed() throws {
    #expect(try settings(persistence: nil).problem?.contains("--prepare") == true)
  }

  @Test(arguments: ["u", "t"])
  func tableThatIsNotLoggedIsNamed(persistence: String) throws {
    #expect(try settings(persistence: persistence).problem?.contains("is not logged") == true)
  }

  @Test(arguments: [0, 4, 6])
  func rowOfAnotherLengthIsNone(count: Int) {
    #expect(ServerSettings([String?](repeating: "on", count: count)) == nil)
  }
}
