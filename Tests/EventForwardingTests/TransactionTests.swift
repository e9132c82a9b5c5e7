@testable internal import EventForwarding
internal import Testing

struct TransactionTests {
  private func problem(
    fsync: String? = "on", encoding: String? = "UTF8", table: String? = "delve_event",
    unlogged: String? = nil
  ) throws -> String? {
    let row = ["on", "27000ms", "28500ms", fsync, encoding, table, unlogged]
    return try #require(Transaction(row)).problem
  }

  /// Some relatives of PostgreSQL have no such setting.
  @Test func settingThatIsUnknownIsNoProblem() throws {
    #expect(try problem() == nil)
    #expect(try problem(fsync: nil, encoding: nil) == nil)
  }

  @Test func serverThatDoesNotSyncIsNamed() throws {
    #expect(try problem(fsync: "off")?.hasPrefix("fsync is off") == true)
  }

  @Test(arguments: ["LATIN1", "SQL_ASCII", "utf8"])
  func encodingThatCannotHoldEveryEventIsNamed(encoding: String) throws {
    #expect(try problem(encoding: encoding)?.contains("encoding is \(encoding)") == true)
  }

  @Test func missingTableIsNamed() throws {
    #expect(try problem(table: nil)?.contains("--prepare") == true)
  }

  @Test func tableThatIsNotLoggedIsNamed() throws {
    let problem = try problem(unlogged: "delve_event")
    #expect(problem?.hasPrefix("the table delve_event is not logged") == true)
  }

  @Test func partitionThatIsNotLoggedIsNamed() throws {
    let problem = try #require(try problem(unlogged: "other.events_2026"))
    #expect(problem.hasPrefix("other.events_2026, a partition of delve_event, is not logged"))
    #expect(problem.hasSuffix("ALTER TABLE other.events_2026 SET LOGGED"))
  }

  @Test(arguments: [0, 6, 8])
  func rowOfAnotherLengthIsNone(count: Int) {
    #expect(Transaction([String?](repeating: "on", count: count)) == nil)
  }

  @Test(arguments: [
    (1, "'900ms'", "'950ms'"), (30, "'27000ms'", "'28500ms'"),
    (3_600, "'3240000ms'", "'3420000ms'"),
  ])
  func serverGivesUpBeforeWeDo(seconds: Int, lock: String, statement: String) {
    let beginning = Transaction.beginning(timeLimitSeconds: seconds)
    #expect(beginning.contains("'lock_timeout', \(lock), true"))
    #expect(beginning.contains("'statement_timeout', \(statement), true"))
  }

  /// What is set for a session stays for other clients of a pooler.
  @Test func nothingIsSetForTheSession() {
    let beginning = Transaction.beginning(timeLimitSeconds: 30)
    #expect(beginning.hasPrefix("BEGIN;"))
    #expect(!beginning.contains("false)") && !beginning.contains("SET "))
  }
}
