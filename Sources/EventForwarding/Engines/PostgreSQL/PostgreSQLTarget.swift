internal import EventSpool
internal import ServiceProcess

/// The table `delve_event` of a server that speaks PostgreSQL's protocol and knows
/// INSERT … ON CONFLICT. An event that is there already stays as it is.
final class PostgreSQLTarget: PreparableTarget {
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

  func open(_ signals: StopSignals) throws(TargetError) {
    if let connection, !connection.isLost { return }
    connection = nil
    let made = try connect(signals)
    do throws(StatementError) { try configureSession(made) } catch { throw error.targetError }
    connection = made
  }

  func prepare(_ signals: StopSignals) throws(TargetError) -> String {
    let connection = try connect(signals)
    do throws(StatementError) {
      for statement in schema { _ = try connection.execute(statement) }
      try configureSession(connection)
    } catch {
      throw error.targetError
    }
    return "delve_event is ready in \(connection.name)"
  }

  private func connect(_ signals: StopSignals) throws(TargetError) -> Connection {
    try Connection(to: uri.text, timeLimit: .seconds(timeLimitSeconds), signals)
  }

  /// Fails if a COMMIT on this server promises less than we do, or if it would reject every row.
  /// Also sets lock_timeout just below our own limit, so that the server gives up before we do.
  private func configureSession(_ connection: Connection) throws(StatementError) {
    let reply = try connection.execute(
      ServerSettings.statement, [Array("\(timeLimitSeconds * 900)ms".utf8)])
    guard let row = reply.rows.first, let settings = ServerSettings(row) else {
      throw .target(.unavailable("the server does not tell its settings"))
    }
    if let problem = settings.problem { throw .target(.misconfigured(problem)) }
    // Columns and rights: no row is inserted.
    _ = try connection.execute(insertStatement, insertParameters(of: []))
    try findOutAboutNotify(connection)
  }

  private func findOutAboutNotify(_ connection: Connection) throws(StatementError) {
    do throws(StatementError) {
      try notify(connection)
      canNotify = true
    } catch {
      guard case .refused(let refusal) = error,
        refusal.isMisconfiguration || refusal.sqlState == "0A000"
      else { throw error }
      if canNotify {
        log.write(.notice, "the server has no NOTIFY: consumers have to look by themselves")
      }
      canNotify = false
    }
  }

  private func notify(_ connection: Connection) throws(StatementError) {
    _ = try connection.execute("SELECT pg_notify('delve_event', '')")
  }

  // MARK: Delivering

  func deliver(
    _ events: [OutgoingEvent], _ signals: StopSignals,
    settle: (Int, Delivery) throws(SpoolError) -> Bool
  ) throws(DeliveringError) {
    let deliveries: [Delivery]
    do throws(TargetError) {
      deliveries = try self.deliveries(of: events)
    } catch {
      connection = nil
      throw .target(error)
    }
    do throws(SpoolError) {
      for (index, delivery) in deliveries.enumerated() { _ = try settle(index, delivery) }
    } catch {
      throw .spool(error)
    }
  }

  /// What becomes of each event. A row that is refused must not hold up the others, so each is then
  /// tried by itself.
  private func deliveries(of events: [OutgoingEvent]) throws(TargetError) -> [Delivery] {
    guard try insert(events) != nil else { return events.map { _ in .delivered } }
    var refusals: [ServerError?] = []
    for event in events { refusals.append(try insert([event])) }
    // If none is taken and it may not be the rows' fault, the table is to blame.
    if events.count > 1, let doubtful = refusals.last ?? nil, doubtful.blame == .rowOrTable,
      refusals.allSatisfy({ $0 != nil })
    {
      throw doubtful.targetError
    }
    return refusals.map { $0?.delivery ?? .delivered }
  }

  /// Inserts all events or none.
  /// - Returns: why the server does not take these rows; nil if it has promised to keep them.
  /// - Throws: for every other error.
  private func insert(_ events: [OutgoingEvent]) throws(TargetError) -> ServerError? {
    guard let connection else { throw .unavailable("not connected") }
    do throws(StatementError) {
      var attempt = 1
      while let refusal = try insertOnce(events, connection) {
        _ = try connection.execute("ROLLBACK")
        if refusal.blame != .server { return refusal }
        guard refusal.isPassing && attempt < Self.tries else { throw .refused(refusal) }
        attempt += 1
      }
      return nil
    } catch {
      throw error.targetError
    }
  }

  /// - Returns: what the server refused, and the transaction is then still to be rolled back.
  private func insertOnce(
    _ events: [OutgoingEvent], _ connection: Connection
  ) throws(StatementError) -> ServerError? {
    do throws(StatementError) {
      _ = try connection.execute("BEGIN")
      let inserted = try connection.execute(insertStatement, insertParameters(of: events))
      try commit(connection, notifying: canNotify && inserted.affectedRows > 0)
      return nil
    } catch {
      if case .refused(let refusal) = error { return refusal }
      throw error
    }
  }

  private func commit(_ connection: Connection, notifying: Bool) throws(StatementError) {
    do throws(StatementError) {
      if notifying { try notify(connection) }
      // The server answers ROLLBACK to a COMMIT that it cannot fulfil.
      guard try connection.execute("COMMIT").tag == "COMMIT" else {
        throw .target(.unavailable("the server has rolled back"))
      }
    } catch {
      // A limit is then that of its queue of notifications, not of a row.
      if case .refused(let refusal) = error, refusal.isLimit { throw .target(refusal.targetError) }
      throw error
    }
  }
}
