internal import EventSpool
internal import Glibc
internal import ServiceProcess

/// The table `delve_event` of a server that speaks PostgreSQL's protocol and knows
/// INSERT … ON CONFLICT. An event that is there already stays as it is.
final class PostgreSQLTarget: EventTarget {
  let batchSize = 500

  /// How often a batch is tried that the server could not serialize with others.
  private static let tries = 5

  private let uri: ConnectionURI
  private let timeLimitSeconds: Int
  private let log: Log
  private var connection: Connection?
  /// Some relatives of PostgreSQL have no NOTIFY.
  private var canNotify = true

  init(_ uri: ConnectionURI, timeLimitSeconds: Int, _ log: Log) {
    self.uri = uri
    self.timeLimitSeconds = timeLimitSeconds
    self.log = log
  }

  // MARK: Connecting

  func open(_ signals: StopSignals) throws(TargetFailure) {
    if let connection, !connection.isLost { return }
    connection = nil
    let made = try connect(signals)
    try answering { try check(made) }
    connection = made
  }

  /// Makes the table, or what it lacks.
  /// - Returns: where it is.
  func prepare(_ signals: StopSignals) throws(TargetFailure) -> String {
    let connection = try connect(signals)
    try answering {
      for statement in schema.split(separator: ";\n") where !statement.isEmpty {
        _ = try connection.execute(String(statement))
      }
      try check(connection)
    }
    return connection.name
  }

  private func connect(_ signals: StopSignals) throws(TargetFailure) -> Connection {
    try Connection(to: uri.text, timeLimit: .seconds(timeLimitSeconds), signals)
  }

  /// What would make less of a COMMIT than we promise, or refuse every row. Whoever waits for a lock is
  /// ended by the server, a little before we give up: else it would go on waiting without us.
  private func check(_ connection: Connection) throws {
    let settings = try connection.execute(
      """
      SELECT current_setting('synchronous_commit'), current_setting('fsync', true),
        current_setting('server_encoding'), set_config('lock_timeout', $1, false),
        (SELECT relpersistence FROM pg_catalog.pg_class WHERE oid = to_regclass('delve_event'))
      """, [Array("\(timeLimitSeconds * 900)ms".utf8)])
    guard let row = settings.rows.first, row.count == 5 else {
      throw TargetFailure.unavailable("the server does not tell its settings")
    }
    if row[0] == "off" {
      throw TargetFailure.misconfigured(
        "synchronous_commit is off: what the server has promised could be lost. Remedy: "
          + "ALTER ROLE … SET synchronous_commit = on")
    }
    if row[1] == "off" {
      throw TargetFailure.misconfigured(
        "fsync is off: what the server has promised could be lost. Remedy: fsync = on in its "
          + "configuration")
    }
    if let encoding = row[2], encoding != "UTF8" {
      throw TargetFailure.misconfigured(
        "the database's encoding is \(oneLine(encoding)), which cannot hold every event. Remedy: a database "
          + "with ENCODING 'UTF8'")
    }
    guard let persistence = row[4] else {
      throw TargetFailure.misconfigured("there is no table delve_event: make it with --prepare")
    }
    if persistence != "p" {
      throw TargetFailure.misconfigured(
        "the table delve_event is not logged: a crash of the server would empty it. Remedy: "
          + "ALTER TABLE delve_event SET LOGGED")
    }
    // Columns and rights: no row is inserted.
    _ = try connection.execute(insertStatement, insertParameters(of: []))
    do {
      try notify(connection)
      canNotify = true
    } catch let error as ServerError where error.isMisconfiguration || error.sqlState == "0A000" {
      if canNotify {
        log.write(.notice, "the server has no NOTIFY: consumers have to look by themselves")
      }
      canNotify = false
    }
  }

  private func notify(_ connection: Connection) throws {
    _ = try connection.execute("SELECT pg_notify('delve_event', '')")
  }

  // MARK: Delivering

  func deliver(
    _ events: [OutgoingEvent], _ signals: StopSignals,
    settle: (Int, Outcome) throws(SystemError) -> Void
  ) throws {
    do {
      if try insert(events) == nil {
        for index in events.indices { try settle(index, .delivered) }
        return
      }
      try deliverOneByOne(events, settle)
    } catch let failure as TargetFailure {
      connection = nil
      throw failure
    }
  }

  /// A row that is refused must not hold up the others. Where none is taken and it may not be theirs,
  /// the table is to blame.
  private func deliverOneByOne(
    _ events: [OutgoingEvent], _ settle: (Int, Outcome) throws(SystemError) -> Void
  ) throws {
    let refusals = try events.map { event in try insert([event]) }
    if events.count > 1, let doubtful = refusals.last ?? nil, doubtful.blame == .rowOrTable,
      refusals.allSatisfy({ $0 != nil })
    {
      throw doubtful.failure
    }
    for (index, refusal) in refusals.enumerated() {
      try settle(index, refusal?.outcome ?? .delivered)
    }
  }

  /// Inserts all events or none.
  /// - Returns: why the server does not take these rows; nil if it has promised to keep them.
  /// - Throws: `TargetFailure` for everything else.
  private func insert(_ events: [OutgoingEvent]) throws(TargetFailure) -> ServerError? {
    guard let connection else { throw .unavailable("not connected") }
    var refusal: ServerError?
    try answering {
      for attempt in 1...Self.tries {
        do {
          try insert(events, connection)
          refusal = nil
          return
        } catch let error as ServerError {
          _ = try connection.execute("ROLLBACK")
          refusal = error
          if error.blame != .server { return }
          guard error.isPassing && attempt < Self.tries else { throw error }
        }
      }
    }
    return refusal
  }

  private func insert(_ events: [OutgoingEvent], _ connection: Connection) throws {
    _ = try connection.execute("BEGIN")
    let inserted = try connection.execute(insertStatement, insertParameters(of: events))
    do {
      if canNotify && inserted.affectedRows > 0 { try notify(connection) }
      // The server answers ROLLBACK to a COMMIT that it cannot fulfil.
      guard try connection.execute("COMMIT").tag == "COMMIT" else {
        throw TargetFailure.unavailable("the server has rolled back")
      }
    } catch let error as ServerError where error.isLimit {
      // Of its queue of notifications, not of a row.
      throw error.failure
    }
  }

  /// What is no refusal of rows is a failure of the target.
  private func answering(_ body: () throws -> Void) throws(TargetFailure) {
    do {
      try body()
    } catch let failure as TargetFailure {
      throw failure
    } catch let error as ServerError {
      throw error.failure
    } catch {
      preconditionFailure("nothing else is thrown")
    }
  }
}
