internal import EventSpool
internal import ServiceProcess

/// The table `delve_event` of a server that speaks PostgreSQL's protocol and knows
/// INSERT … ON CONFLICT. An event that is there already stays as it is.
final class PostgreSQLTarget: PreparableTarget {
  let batchSize = 500

  /// How often a transaction is tried that the server could not serialize with others, or whose
  /// COMMIT came with a warning.
  private static let tries = 5

  private let uri: ConnectionURI
  private let timeLimitSeconds: Int
  private let log: Log
  private var connection: Connection?
  private var missing: Set<ServerFunction> = []

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
    do throws(StatementError) { try check(made) } catch { throw error.targetError }
    connection = made
  }

  func prepare(_ signals: StopSignals) throws(TargetError) -> String {
    let connection = try connect(signals)
    do throws(StatementError) {
      for statement in schema { _ = try connection.execute(statement) }
      try check(connection)
    } catch {
      throw error.targetError
    }
    return "delve_event is ready in \(connection.name)"
  }

  private func connect(_ signals: StopSignals) throws(TargetError) -> Connection {
    try Connection(to: uri.text, timeLimit: .seconds(timeLimitSeconds), signals)
  }

  /// Fails if the server would reject every row. Inserts none.
  private func check(_ connection: Connection) throws(StatementError) {
    try begin(connection)
    // Columns and rights.
    _ = try connection.execute(insertStatement, insertParameters(of: []))
    _ = try connection.execute("ROLLBACK")
    for function in ServerFunction.allCases {
      try begin(connection)
      try findOutAbout(function, connection)
      _ = try connection.execute("ROLLBACK")
    }
  }

  private func findOutAbout(
    _ function: ServerFunction, _ connection: Connection
  ) throws(StatementError) {
    do throws(StatementError) {
      _ = try connection.execute("SELECT \(function.call)")
      missing.remove(function)
    } catch {
      guard case .refused(let refusal) = error, refusal.isMissingFunction else { throw error }
      if missing.insert(function).inserted { log.write(.notice, function.lack) }
    }
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
  /// - Returns: why the server does not take them; nil if it has promised to keep them.
  /// - Throws: for every error that no event can be the cause of.
  private func insert(_ events: [OutgoingEvent]) throws(TargetError) -> ServerError? {
    guard let connection else { throw .unavailable("not connected") }
    do throws(StatementError) {
      var attempt = 1
      while true {
        let isLast = attempt == Self.tries
        switch try insertOnce(events, connection) {
        case .promised: return nil
        case .doubtful(let warning):
          guard !isLast else { throw .target(.unavailable("COMMIT came with: \(warning)")) }
        case .refused(let refusal):
          _ = try connection.execute("ROLLBACK")
          if refusal.blame != .server { return refusal }
          guard refusal.isPassing && !isLast else { throw .refused(refusal) }
        }
        attempt += 1
      }
    } catch {
      throw error.targetError
    }
  }

  private enum Outcome {
    case promised
    /// Committed, but the server has not waited for whom it must: somebody may have cancelled that.
    /// The next try waits again.
    case doubtful(warning: String)
    /// The transaction is still to be rolled back.
    case refused(ServerError)
  }

  private func insertOnce(
    _ events: [OutgoingEvent], _ connection: Connection
  ) throws(StatementError) -> Outcome {
    try begin(connection)
    do throws(StatementError) {
      let reply = try connection.execute(insertStatement, insertParameters(of: events))
      return try commit(
        connection,
        calling: ServerFunction.needed(events: events.count, inserted: reply.affectedRows))
    } catch {
      if case .refused(let refusal) = error { return .refused(refusal) }
      throw error
    }
  }

  private func begin(_ connection: Connection) throws(StatementError) {
    let reply = try connection.execute(Transaction.beginning(timeLimitSeconds: timeLimitSeconds))
    guard let row = reply.rows.first, let transaction = Transaction(row) else {
      throw .target(.unavailable("the server does not tell its settings"))
    }
    if let problem = transaction.problem { throw .target(.misconfigured(problem)) }
  }

  /// In one round trip.
  private func commit(
    _ connection: Connection, calling functions: Set<ServerFunction>
  ) throws(StatementError) -> Outcome {
    let calls = functions.subtracting(missing).map { "SELECT \($0.call);" }
    do throws(StatementError) {
      let reply = try connection.execute((calls + ["COMMIT"]).joined(separator: " "))
      // The server answers ROLLBACK to a COMMIT that it cannot fulfil.
      guard reply.tag == "COMMIT" else {
        throw .target(.unavailable("the server has rolled back"))
      }
      return reply.warning.map { .doubtful(warning: $0) } ?? .promised
    } catch {
      // A limit is then that of its queue of notifications, not of a row.
      if case .refused(let refusal) = error, refusal.isLimit { throw .target(refusal.targetError) }
      throw error
    }
  }
}
