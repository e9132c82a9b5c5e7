/// A function of PostgreSQL that some of its relatives lack. Events are inserted without it, too.
enum ServerFunction: CaseIterable {
  /// Wakes consumers.
  case notify
  /// Makes the transaction one that writes, so that its COMMIT waits. Without it, a transaction
  /// that finds all rows there already waits for nobody, and those rows may still be on their way
  /// to the disk or to a standby.
  case logMessage

  var call: String {
    switch self {
    case .notify: "pg_notify('delve_event', '')"
    case .logMessage: "pg_logical_emit_message(true, 'delve_webhook', '')"
    }
  }

  /// What the log says of a server that lacks it.
  var lack: String {
    switch self {
    case .notify: "the server has no NOTIFY: consumers have to look by themselves"
    case .logMessage:
      "the server has no pg_logical_emit_message: an event that it has already is taken as safe "
        + "without waiting for standbys"
    }
  }

  /// Those that a transaction needs.
  static func needed(events: Int, inserted: Int) -> Set<ServerFunction> {
    var needed: Set<ServerFunction> = []
    if inserted > 0 { needed.insert(.notify) }
    if inserted < events { needed.insert(.logMessage) }
    return needed
  }
}
