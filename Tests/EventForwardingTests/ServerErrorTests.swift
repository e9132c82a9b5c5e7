@testable internal import EventForwarding
internal import EventSpool
internal import Testing

/// The classes are those of PostgreSQL's manual, appendix A.
struct ServerErrorTests {
  private func error(_ sqlState: String, namesConstraint: Bool = false) -> ServerError {
    ServerError(sqlState: sqlState, message: "said", namesConstraint: namesConstraint)
  }

  // MARK: Whose fault it is

  @Test(arguments: ["21000", "22001", "22P02", "22003", "44000", "54000", "54023", "P0001"])
  func dataIsOfTheRow(sqlState: String) {
    #expect(error(sqlState).isOfRow)
  }

  @Test(arguments: ["23502", "23505", "23514", "23P01"])
  func constraintIsOfTheRowIfItIsNamed(sqlState: String) {
    #expect(error(sqlState, namesConstraint: true).isOfRow)
    #expect(!error(sqlState).isOfRow)
  }

  @Test(arguments: [
    "42501", "P0002", "38000", "39000", "2F005", "0A000", "01000", "ZZ999", "40001", "40P01",
    "53200", "53400", "55P03", "57014", "58030", "XX000", "XX002", "08006", "25006", "28P01",
    "42P01", "53100", "57P01", "",
  ])
  func everythingElseMayBeTheServers(sqlState: String) {
    #expect(!error(sqlState).isOfRow)
  }

  @Test func onlySerializationAndDeadlockAreTriedAgainAtOnce() {
    #expect(error("40001").isPassing && error("40P01").isPassing)
    #expect(!error("55P03").isPassing && !error("").isPassing)
  }

  @Test func onlyTimeLimitsAreTimeLimits() {
    #expect(error("57014").isTimeLimit && error("55P03").isTimeLimit)
    #expect(!error("57P01").isTimeLimit && !error("54000").isTimeLimit)
  }

  @Test func onlyAFunctionThatIsNotThereIsMissing() {
    #expect(error("42883").isMissingFunction && error("0A000").isMissingFunction)
    #expect(!error("42501").isMissingFunction && !error("42601").isMissingFunction)
  }

  // MARK: What follows

  @Test(arguments: ["42P01", "42703", "42501", "42883", "3F000"])
  func missingTableOrRightIsAMisconfiguration(sqlState: String) {
    let target = error(sqlState).targetError
    #expect(target.kind == .misconfigured)
    #expect(target.message.hasPrefix("said (SQLSTATE \(sqlState)): "))
    #expect(target.message.contains("--prepare"))
  }

  @Test(arguments: ["08006", "3D000", "40001", "53300", "57P01", "28P01", ""])
  func otherErrorOfTheServerMayPass(sqlState: String) {
    let target = error(sqlState).targetError
    #expect(target.kind == .unavailable(afterSeconds: 0))
    #expect(target.message == "said (SQLSTATE \(sqlState))")
  }

  @Test func rowThatIsToBlameIsRefused() {
    #expect(error("22P02").delivery == .refused(.answer("22P02"), text: "said"))
  }

  @Test func rowThatMayNotBeToBlameIsPutOff() {
    #expect(
      error("42501").delivery == .putOff(.answer("42501"), text: "said", afterSeconds: 0))
  }

  @Test func refusedStatementIsTheTargetsError() {
    #expect(StatementError.refused(error("42P01")).targetError.kind == .misconfigured)
    #expect(StatementError.target(.interrupted).targetError.kind == .interrupted)
  }
}
