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

  enum Blame {
    /// A row.
    case row
    /// A row, or what the server met with it, or the table: that shows when rows are tried by
    /// themselves.
    case rowOrServer
    /// Anything but rows.
    case server
  }

  var blame: Blame {
    switch errorClass {
    // Cardinality and data exceptions, constraints, a view's check option, limits on a row's size.
    case "21", "22", "44", "54": .row
    // Without a constraint's name: no partition takes it.
    case "23": namesConstraint ? .row : .rowOrServer
    // Connection, transaction and role, no such database or schema, the server's own files.
    case "08", "25", "28", "3D", "3F", "F0", "": .server
    case "42": sqlState == "42501" ? .rowOrServer : .server  // a row's security policy
    // A full disk, too many connections; but memory may be short for one row.
    case "53": sqlState == "53100" || sqlState == "53300" ? .server : .rowOrServer
    case "57": sqlState == "57014" ? .rowOrServer : .server  // a time limit; all others: it ends
    default: sqlState == "P0001" ? .row : .rowOrServer  // what a trigger raises
    }
  }

  var isLimit: Bool { errorClass == "54" }

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
    blame == .row
      ? .refused(.answer(sqlState), text: message)
      : .putOff(.answer(sqlState), text: message, afterSeconds: 0)
  }
}
