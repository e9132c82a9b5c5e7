internal import EventSpool
internal import ServiceProcess

/// The table `delve_event` of a server that speaks PostgreSQL's protocol and knows
/// INSERT … ON CONFLICT. An event that is there already stays as it is.
final class PostgreSQLTarget: PreparableTarget {
  var name: String { uri.name }
  let batchSize = 500
  let concurrency = 1

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
    var hasTakenOne = false
    do throws(DeliveringError) {
      try settleInHalves(groups(of: events)) { places throws(DeliveringError) in
        // What is in hand is one transaction.
        guard !signals.request.isMade else { throw .target(.interrupted) }
        do throws(TargetError) {
          return try insert(places.map { events[$0] }, signals)
        } catch {
          throw .target(error)
        }
      } settle: { place, delivery throws(DeliveringError) in
        if case .delivered = delivery { hasTakenOne = true }
        do throws(SpoolError) { return try settle(place, delivery) } catch { throw .spool(error) }
      }
      // Table and rights are then looked at again.
      if !hasTakenOne { connection = nil }
    } catch {
      if case .target = error { connection = nil }
      throw error
    }
  }

  /// Inserts all events or none.
  /// - Returns: why the server does not take them; nil if it has promised to keep them.
  /// - Throws: if the server cannot be reached, or would take no events at all.
  private func insert(
    _ events: [OutgoingEvent], _ signals: StopSignals
  ) throws(TargetError) -> GroupFailure? {
    do throws(TargetError) {
      return try insertOnThisConnection(events).map { .refused($0) }
    } catch {
      guard case .unavailable = error.kind else { throw error }
      // One event may have ended the connection, or taken all the time.
      connection = nil
      try open(signals)
      return .unanswered(error)
    }
  }

  private func insertOnThisConnection(
    _ events: [OutgoingEvent]
  ) throws(TargetError) -> ServerError? {
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
          guard refusal.isPassing && !isLast else { return refusal }
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
      let parameters = insertParameters(of: events)
      let reply = try connection.execute(insertStatement, parameters)
      if reply.affectedRows < events.count {
        let missing = try connection.execute(missingStatement, Array(parameters.prefix(2)))
        guard missing.rows.first == ["0"] else { return .refused(.rowsAreMissing) }
      }
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
    let reply = try connection.execute((calls + ["COMMIT"]).joined(separator: " "))
    // The server answers ROLLBACK to a COMMIT that it cannot fulfil.
    guard reply.tag == "COMMIT" else {
      throw .target(.unavailable("the server has rolled back"))
    }
    return reply.warning.map { .doubtful(warning: $0) } ?? .promised
  }
}
