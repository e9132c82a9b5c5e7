internal import CPostgreSQL
internal import Glibc
internal import ServiceProcess

/// A connection to a server (libpq). Waits for nothing longer than its time limit, nor after a
/// signal that ends what is in hand; the server is then asked to end its statement, too. For one
/// thread.
final class Connection {
  private let connection: OpaquePointer
  private let signals: StopSignals
  private let timeLimit: Duration
  /// The first of the statement that runs.
  private var warning: String?

  /// Connects, as libpq does it: what the URI leaves out comes from the environment, the service
  /// file and the password file (libpq's manual, §34.1.2, §34.15 to §34.17). The time limit is for
  /// each host, unless the URI has one of its own.
  init(
    to uri: String, timeLimit: Duration, _ signals: StopSignals
  ) throws(TargetError) {
    self.signals = signals
    self.timeLimit = timeLimit
    connection = try ConnectionAttempt(to: uri, timeLimit).connection(signals)
    guard PQstatus(connection) == CONNECTION_OK else { throw lost() }
    takeNotices()
    // A statement that is too large for the socket would be waited for by libpq itself.
    guard PQsetnonblocking(connection, 1) == 0 else { throw lost() }
  }

  deinit { PQfinish(connection) }

  /// Whether the server has ended it meanwhile, as far as that is known.
  var isLost: Bool {
    var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
    if poll(&descriptor, 1, 0) > 0 { PQconsumeInput(connection) }
    return PQstatus(connection) == CONNECTION_BAD
  }

  /// Server and database, to be shown.
  var name: String {
    let host = String(cString: PQhost(connection))
    return "\(String(cString: PQdb(connection))) on \(host)"
  }

  /// What a statement gave.
  struct Reply {
    /// Each row's values; nil is NULL.
    var rows: [[String?]] = []
    /// As in `INSERT 0 3`.
    var tag = ""
    var affectedRows = 0
    /// Of any of the statements.
    var warning: String?
  }

  /// Runs a statement to its end, or several that have no parameters; the reply is the last one's.
  /// - Throws: `refused` by the server; `target`, if it does not answer, or with a COPY, and then the
  ///   connection is of no further use.
  func execute(
    _ statement: String, _ parameters: [[UInt8]]? = nil
  ) throws(StatementError) -> Reply {
    warning = nil
    let deadline = SuspendingClock.now + timeLimit
    var reply = Reply()
    var refusal: ServerError?
    do throws(TargetError) {
      guard send(statement, parameters) else { throw lost() }
      try flush(until: deadline)
      // The last result is the null pointer: only then has the server ended the statement.
      while let result = try nextResult(until: deadline) {
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: reply = Reply(result)
        // libpq would return this one again and again.
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
          throw .unavailable("the server answers with a COPY that nobody has asked for")
        default: refusal = refusal ?? ServerError(result)
        }
      }
      // An error of the connection itself comes as a result, too.
      guard PQstatus(connection) == CONNECTION_OK else { throw lost() }
    } catch {
      throw .target(error)
    }
    if let refusal { throw .refused(refusal) }
    reply.warning = warning
    return reply
  }

  /// Keeps warnings. Without a receiver, libpq writes notices to standard error, past the log.
  private func takeNotices() {
    PQsetNoticeReceiver(
      connection,
      { context, notice in
        guard let context, let notice, field("V", of: notice) == "WARNING" else { return }
        let connection = Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
        connection.warning = connection.warning ?? oneLine(field("M", of: notice) ?? "")
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func flush(until deadline: SuspendingClock.Instant) throws(TargetError) {
    while true {
      let rest = PQflush(connection)
      guard rest >= 0 else { throw lost() }
      if rest == 0 { return }
      // What the server says meanwhile must be taken, or both wait for each other.
      try wait(for: POLLIN | POLLOUT, until: deadline)
      guard PQconsumeInput(connection) == 1 else { throw lost() }
    }
  }

  private func send(_ statement: String, _ parameters: [[UInt8]]?) -> Bool {
    guard let parameters else { return PQsendQuery(connection, statement) == 1 }
    let texts = parameters.map { bytes in
      let text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count + 1)
      let raw = UnsafeMutableRawBufferPointer(text)
      raw.copyBytes(from: bytes)
      raw[bytes.count] = 0
      return text
    }
    defer { for text in texts { text.deallocate() } }
    let values = texts.map { UnsafePointer<CChar>($0.baseAddress) }
    return PQsendQueryParams(
      connection, statement, Int32(values.count), nil, values, nil, nil, 0) == 1
  }

  private func nextResult(until deadline: SuspendingClock.Instant) throws(TargetError)
    -> OpaquePointer?
  {
    while PQisBusy(connection) == 1 {
      try wait(for: POLLIN, until: deadline)
      guard PQconsumeInput(connection) == 1 else { throw lost() }
    }
    return PQgetResult(connection)
  }

  private func wait(for events: Int32, until deadline: SuspendingClock.Instant)
    throws(TargetError)
  {
    while true {
      signals.read()
      guard !signals.request.endsWork else { throw givingUp(.interrupted) }
      guard SuspendingClock.now < deadline else {
        throw givingUp(
          .unavailable("no answer from the server within \(timeLimit.components.seconds) s"))
      }
      var descriptors = [
        pollfd(fd: PQsocket(connection), events: Int16(events), revents: 0),
        pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      poll(&descriptors, 2, 500)
      if descriptors[0].revents != 0 { return }
    }
  }

  private func givingUp(_ error: TargetError) -> TargetError {
    cancelStatement(on: connection)
    return error
  }

  /// What libpq says of the connection.
  private func lost() -> TargetError {
    .unavailable(oneLine(String(cString: PQerrorMessage(connection))))
  }
}

extension Connection.Reply {
  fileprivate init(_ result: OpaquePointer) {
    rows = (0..<PQntuples(result)).map { row in
      (0..<PQnfields(result)).map { column in
        PQgetisnull(result, row, column) == 1
          ? nil : String(cString: PQgetvalue(result, row, column))
      }
    }
    tag = String(cString: PQcmdStatus(result))
    affectedRows = Int(String(cString: PQcmdTuples(result))) ?? 0
  }
}

extension ServerError {
  fileprivate init(_ result: OpaquePointer) {
    let state = field("C", of: result) ?? ""
    let isState = state.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
    }
    sqlState = isState && state.utf8.count == 5 ? state : ""
    namesConstraint = field("n", of: result) != nil
    message = oneLine(field("M", of: result) ?? String(cString: PQresultErrorMessage(result)))
  }
}

/// A field of an error or a notice. Their names are macros of characters: PG_DIAG_SQLSTATE (C),
/// PG_DIAG_CONSTRAINT_NAME (n), PG_DIAG_MESSAGE_PRIMARY (M), PG_DIAG_SEVERITY_NONLOCALIZED (V).
private func field(_ name: Character, of result: OpaquePointer) -> String? {
  name.asciiValue.flatMap { PQresultErrorField(result, Int32($0)) }.map { String(cString: $0) }
}
