/// What a server answered to a statement instead of a result.
struct ServerError: Error {
  /// Five characters (PostgreSQL's manual, appendix A).
  let sqlState: String
  /// May quote values of the statement.
  let message: String

  private var errorClass: Substring { sqlState.prefix(2) }

  /// Whether the rows are to blame: cardinality and data exceptions, violated constraints, a view's
  /// check option, limits of the program, and what a trigger raises.
  var concernsRows: Bool {
    ["21", "22", "23", "44"].contains(errorClass) || isLimit || sqlState == "P0001"
  }

  var isLimit: Bool { errorClass == "54" }

  /// Whether the same again may well succeed at once: a serialization failure, a deadlock.
  var isPassing: Bool { errorClass == "40" }

  /// What stays so until somebody changes it: no such table or column, no such right.
  var isMisconfiguration: Bool { errorClass == "42" || errorClass == "3F" }

  /// Where it is not about a row.
  var failure: TargetFailure {
    guard isMisconfiguration else { return .unavailable("\(message) (SQLSTATE \(sqlState))") }
    return .misconfigured(
      "\(message) (SQLSTATE \(sqlState)): make the table with --prepare, and grant INSERT and SELECT (source, id)"
    )
  }
}
