internal import EventSpool

/// Why a statement gave no result.
enum StatementError: Error {
  case refused(ServerError)
  case target(TargetError)

  /// If no event can be the cause.
  var targetError: TargetError {
    switch self {
    case .refused(let refusal): refusal.targetError
    case .target(let error): error
    }
  }
}

/// What a server answered to a statement instead of a result.
struct ServerError: Error, Equatable {
  /// Five digits and capital letters (PostgreSQL's manual, appendix A); empty if there is none.
  let sqlState: String
  /// May quote values of the statement.
  let message: String
  /// Whether it names a constraint.
  let namesConstraint: Bool

  private var errorClass: Substring { sqlState.prefix(2) }

  /// Whether it speaks of the row: cardinality and data exceptions, constraints, a view's check
  /// option, limits on a row's size, and what a trigger raises. Everything else may be the row's
  /// failure, too: that shows in whether the server takes others.
  var isOfRow: Bool {
    switch errorClass {
    case "21", "22", "44", "54": true
    // Without a constraint's name: no partition takes it.
    case "23": namesConstraint
    default: sqlState == "P0001"
    }
  }

  /// The server's own limits on the time of a lock or a statement.
  var isTimeLimit: Bool { sqlState == "55P03" || sqlState == "57014" }

  /// The server has reported no error, and not all rows are there: a trigger, a rule.
  static let rowsAreMissing = ServerError(
    sqlState: "02000", message: "the server has not kept the row: look at triggers and rules",
    namesConstraint: false)

  /// Whether the same again may well succeed at once: a serialization failure, a deadlock.
  var isPassing: Bool { errorClass == "40" }

  /// It stays so until somebody changes something: no such table or column, no such right.
  var isMisconfiguration: Bool { errorClass == "42" || errorClass == "3F" }

  /// Some relatives of PostgreSQL know a function and say that they do not have it.
  var isMissingFunction: Bool { sqlState == "42883" || sqlState == "0A000" }

  /// For an error that no event can be the cause of.
  var targetError: TargetError {
    guard isMisconfiguration else { return .unavailable("\(message) (SQLSTATE \(sqlState))") }
    return .misconfigured(
      "\(message) (SQLSTATE \(sqlState)): make the table with --prepare, and grant INSERT and "
        + "SELECT (source, id)")
  }

  /// For an event that was tried by itself. If something else may be mended, it is tried again.
  var delivery: Delivery {
    isOfRow
      ? .refused(.answer(sqlState), text: message)
      : .putOff(.answer(sqlState), text: message, afterSeconds: 0)
  }
}
