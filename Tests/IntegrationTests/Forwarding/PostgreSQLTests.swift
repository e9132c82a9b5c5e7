internal import Foundation
internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// `delve-webhook-forward --to postgresql://…`, with a real server.
@Suite(.noHang)
struct PostgreSQLTests {
  let site: SpoolSite
  let server: PostgreSQLServer

  init() async throws {
    site = try SpoolSite()
    server = try await PostgreSQLServer()
  }

  private func prepare() async throws {
    let result = try await site.forward(to: server.uri(), "--prepare")
    #expect(result.exitCode == 0, "\(result)")
  }

  // MARK: Rows

  @Test func eventsBecomeRowsAndGoToDone() async throws {
    try await prepare()
    let names = try site.addEvents(3, issuedApart: 60)
    let result = try await site.forward(to: server.uri())
    #expect(result.exitCode == 0, "\(result)")
    #expect(site.events.sorted() == names.map { "acme/done/\(site.today)/\($0)" }.sorted())
    let columns = """
      SELECT source, id, eventkey, type, subject, "time" AT TIME ZONE 'UTC',
        recordedtime AT TIME ZONE 'UTC', instance, event->'data'->>'iat'
      FROM delve_event ORDER BY "time" LIMIT 1
      """
    #expect(
      try await server.sql(columns)
        == "https://x#acme|\(site.id(0))|\(site.id(0))|com.delvesecurity.export.done|export/0"
        + "|2026-09-21 14:13:20|2026-09-21 14:13:20|acme|1790000000")
    // Another machine forwards the same events.
    let other = try SpoolSite()
    try other.addEvents(4, issuedApart: 60)
    #expect(try await other.forward(to: server.uri()).exitCode == 0)
    #expect(other.count("done") == 4)
    #expect(try await server.count() == 4)
  }

  @Test(arguments: [false, true])
  func proofStaysBehindUnlessItIsAskedFor(isAskedFor: Bool) async throws {
    try await prepare()
    try site.addEvents(1)
    let result =
      isAskedFor
      ? try await site.forward(to: server.uri(), "--with-proof")
      : try await site.forward(to: server.uri())
    #expect(result.exitCode == 0, "\(result)")
    let event = try await server.sql("SELECT event FROM delve_event")
    for name in ["jws", "xsignature", "remoteaddr", "requesturi"] {
      #expect(event.contains("\"\(name)\":") == isAskedFor, "\(name) in \(event)")
    }
    #expect(event.contains(#""keyid":"k""#))
  }

  @Test func numbersAndStringsArriveAsTheyWereSigned() async throws {
    try await prepare()
    let name = try site.addEvents(1)[0]
    let data =
      #"{"a":1.50e3,"b":12345678901234567890123,"c":"\u0000\\\"'{},é\ud83d\ude00","d":null}"#
    let line = site.text("spool/acme/new/\(name)").replacing(/"data":\{[^}]*\}/) { _ in
      "\"data\":\(data)"
    }
    try site.folder.write(line.utf8, to: "spool/acme/new/\(name)")
    #expect(try await site.forward(to: server.uri()).exitCode == 0)
    // The server's own operators fail on U+0000.
    let stored = try await server.sql("SELECT event FROM delve_event")
    let event = try JSONValue(parsing: Array(stored.utf8)).object
    #expect(try event?["data"] == JSONValue(parsing: Array(data.utf8)))
    #expect(stored.contains("1.50e3") && stored.contains("12345678901234567890123"))
  }

  @Test func consumersAreNotifiedAndTakeEachEventOnce() async throws {
    try await prepare()
    try await server.sql(
      """
      ALTER TABLE delve_event ADD COLUMN handled timestamptz;
      CREATE INDEX ON delve_event (recordedtime) WHERE handled IS NULL
      """)
    // psql reports notifications after a statement.
    let listener = try server.session(
      "LISTEN delve_event; SELECT 'listening'; SELECT pg_sleep(1000); SELECT 1")
    #expect(try await eventually { server.sessionOutput().contains("listening") })
    try site.addEvents(200)
    #expect(try await site.forward(to: server.uri()).exitCode == 0)
    try await server.sql(
      "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1000)%' "
        + "AND pid <> pg_backend_pid()")
    #expect(try await listener.exitCode() != nil)
    #expect(
      server.sessionOutput().contains("Asynchronous notification \"delve_event\""),
      "\(server.sessionOutput())")
    // This is the documented way, as one statement.
    let take = """
      UPDATE delve_event SET handled = now() WHERE (source, id) IN (
        SELECT source, id FROM delve_event WHERE handled IS NULL
        ORDER BY recordedtime LIMIT 10 FOR UPDATE SKIP LOCKED)
      RETURNING id
      """
    let taken = try await withThrowingTaskGroup(of: [Substring].self) { group in
      for _ in 0..<20 {
        group.addTask { [server] in try await server.sql(take).split(separator: "\n") }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(taken.count == 200 && Set(taken).count == 200)
  }

  @Test func schemaIsShownAndDocumented() async throws {
    let result = try await command(
      Repository.executable("delve-webhook-forward"), ["--print-schema"])
    #expect(result.exitCode == 0)
    #expect(try await Repository.block("schema") == result.output)
    try await server.sql(result.output)
    try site.addEvents(1)
    #expect(try await site.forward(to: server.uri()).exitCode == 0)
  }

  // MARK: Refused rows

  @Test func refusedRowGoesToDeadAndHoldsUpNoOther() async throws {
    try await prepare()
    let names = try site.addEvents(30)
    try await server.sql("ALTER TABLE delve_event ADD CHECK (subject <> 'export/7')")
    let result = try await site.forward(to: server.uri())
    #expect(result.exitCode == 1, "\(result)")
    #expect(site.count("done") == 29)
    #expect(try await server.count() == 29)
    #expect(site.files("spool/acme/dead") == [names[7], "\(names[7]).state"])
    let state = site.text("spool/acme/dead/\(names[7]).state")
    #expect(state.contains(#""answer":"23514""#), "\(state)")
    #expect(state.contains("violates check constraint"), "\(state)")
    #expect(result.errorOutput.contains("result=dead instance=acme id=\(site.id(7)) answer=23514"))
    let shown = try await site.delveWebhook("spool", "show", names[7])
    #expect(shown.output.contains("its end: answer=23514"), "\(shown)")
    #expect(shown.output.contains("text: new row for relation"), "\(shown)")
    // An administrator repairs the table.
    try await server.sql("ALTER TABLE delve_event DROP CONSTRAINT delve_event_subject_check")
    #expect(try await site.delveWebhook("spool", "retry", names[7]).exitCode == 0)
    #expect(try await site.forward(to: server.uri()).exitCode == 0)
    #expect(try await server.count() == 30)
  }

  @Test func whatATriggerOrADeferredConstraintRefusesIsRefused() async throws {
    try await prepare()
    try site.addEvents(3)
    try await server.sql(
      """
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF new.subject = 'export/1' THEN RAISE 'not this one'; END IF; RETURN new; END $$;
      CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON delve_event DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()
      """)
    #expect(try await site.forward(to: server.uri()).exitCode == 1)
    #expect(try await server.count() == 2)
    #expect(site.count("done") == 2 && site.count("dead") == 1)
  }

  @Test func conflictWithAnotherConstraintIsNoDuplicate() async throws {
    try await prepare()
    try site.addEvents(1)
    #expect(try await site.forward(to: server.uri()).exitCode == 0)
    try await server.sql(
      "UPDATE delve_event SET id = 'other'; ALTER TABLE delve_event ADD UNIQUE (subject)")
    let other = try SpoolSite()
    let name = try other.addEvents(2)[0]
    #expect(try await other.forward(to: server.uri()).exitCode == 1)
    #expect(other.text("spool/acme/dead/\(name).state").contains(#""answer":"23505""#))
  }

  @Test func fileThatIsNoEventGoesToDead() async throws {
    try await prepare()
    let name = try site.addEvents(2)[0]
    let line = site.text("spool/acme/new/\(name)").replacing(
      "\"subject\":\"", with: "\"subject\":\"\\u0000")
    try site.folder.write(line.utf8, to: "spool/acme/new/\(name)")
    let result = try await site.forward(to: server.uri())
    #expect(result.exitCode == 1)
    #expect(site.count("done") == 1)
    #expect(site.text("spool/acme/dead/\(name).state").contains(#""noevent":true"#))
  }

  @Test func rowThatASecurityPolicyRefusesIsPutOff() async throws {
    try await prepare()
    try site.addEvents(3)
    try await server.sql(
      """
      CREATE ROLE writer LOGIN; GRANT INSERT, SELECT (source, id) ON delve_event TO writer;
      ALTER TABLE delve_event ENABLE ROW LEVEL SECURITY;
      CREATE POLICY look ON delve_event FOR SELECT USING (true);
      CREATE POLICY most ON delve_event FOR INSERT WITH CHECK (subject <> 'export/1')
      """)
    let result = try await site.forward(to: server.uri(user: "writer"))
    #expect(result.exitCode == 1, "\(result)")
    #expect(site.count("done") == 2 && site.count("defer") == 1, "\(result)")
  }

  /// No partition takes them, a column is too short, a trigger is under repair.
  @Test(arguments: [
    (
      """
      DROP TABLE delve_event;
      CREATE TABLE delve_event (source text, id text, eventkey text, type text, subject text,
        "time" timestamptz, recordedtime timestamptz, instance text, event json,
        PRIMARY KEY (source, id)) PARTITION BY LIST (source)
      """, "no partition"
    ),
    ("ALTER TABLE delve_event ALTER id TYPE varchar(32)", "too long"),
    (
      """
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE 'maintenance'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON delve_event FOR EACH ROW EXECUTE FUNCTION refuse()
      """, "maintenance"
    ),
  ])
  func tableThatTakesNoneIsToBlameItself(statements: String, problem: String) async throws {
    try await prepare()
    try site.addEvents(40)
    try await server.sql(statements)
    let result = try await site.forward(to: server.uri())
    #expect(result.exitCode == 69 && result.errorOutput.contains(problem), "\(result)")
    #expect(site.count("new") == 40)
  }

  @Test func longAnswerIsCutOff() async throws {
    try await prepare()
    let name = try site.addEvents(2)[0]
    try await server.sql(
      """
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF new.subject = 'export/0' THEN RAISE '%', repeat('x', 100000); END IF; RETURN new; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON delve_event FOR EACH ROW EXECUTE FUNCTION refuse()
      """)
    #expect(try await site.forward(to: server.uri()).exitCode == 1)
    let state = site.text("spool/acme/dead/\(name).state")
    #expect(state.contains(#""answer":"P0001""#) && state.utf8.count < 5_000)
  }

  // MARK: Faults of the spool

  /// Another file lies in the place that the event moves to. Other events do not wait for it.
  @Test(arguments: ["done", "dead"])
  func eventThatCannotBeMovedOnIsLeftOut(folder: String) async throws {
    try await prepare()
    let names = try site.addEvents(3, issuedApart: 60)
    let place = folder == "done" ? "done/\(site.today)" : "dead"
    try site.folder.write("something else".utf8, to: "spool/acme/\(place)/\(names[1])")
    if folder == "dead" { try site.folder.write("{}".utf8, to: "spool/acme/new/\(names[1])") }
    let result = try await site.forward(to: server.uri())
    // What was handed on stays in hand; what was not goes back.
    #expect(site.text("spool/acme/\(folder == "done" ? "cur" : "new")/\(names[1])") != "")
    #expect(result.errorOutput.contains(names[1]), "\(result)")
    #expect(result.exitCode == 1, "\(result)")
    for name in [names[0], names[2]] {
      #expect(site.text("spool/acme/done/\(site.today)/\(name)") != "")
    }
    let again = try await site.forward(to: server.uri())
    #expect(again.exitCode == 1, "\(again)")
  }

  /// The delivery was repeated, after a crash, from another address.
  @Test func secondFileOfAnEventThatIsDoneIsTheSameEvent() async throws {
    try await prepare()
    let name = try site.addEvents(1)[0]
    let line = site.text("spool/acme/new/\(name)")
    #expect(try await site.forward(to: server.uri()).exitCode == 0)
    try site.folder.write(
      line.replacing("192.0.2.1", with: "2001:db8::1").utf8, to: "spool/acme/new/\(name)")
    let result = try await site.forward(to: server.uri())
    #expect(result.exitCode == 0, "\(result)")
    #expect(site.events == ["acme/done/\(site.today)/\(name)"])
    #expect(site.text("spool/\(site.events[0])") == line)
  }

  @Test func instanceThatIsMadeAgainIsFoundAgain() async throws {
    try await prepare()
    try site.addEvents(1)
    let forwarder = try site.startForwarder(to: server.uri())
    #expect(try await eventually { site.count("done") == 1 })
    try FileManager.default.removeItem(atPath: "\(site.path)/spool/acme")
    try site.addEvents(3, from: 1)
    #expect(try await eventually { site.count("done") == 3 })
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
  }

  @Test func unknownInstanceIsSaid() async throws {
    try site.addEvents(1)
    let result = try await site.forward(to: server.uri(), "--instance", "acmee")
    #expect(result.exitCode == 66 && result.errorOutput.contains("acmee"), "\(result)")
    let run = try await site.delveWebhook("spool", "run", "--instance", "acmee", "--", "true")
    #expect(run.exitCode == 66, "\(run)")
  }

  // MARK: Faults of the target

  /// The first host never answers.
  @Test func nextHostIsTriedAfterOneThatIsSilent() async throws {
    try await prepare()
    try site.addEvents(1)
    // This host accepts connections, through its backlog, and never answers.
    let silence = try HeldSocket(path: "\(site.path)/.s.PGSQL.5432")
    let hosts = server.uri().replacing("host=", with: "host=\(site.path),")
    let result = try await site.forward(to: hosts, "--timeout", "15")
    #expect(result.exitCode == 0, "\(result)")
    withExtendedLifetime(silence) {}
  }

  @Test func firstSignalEndsItWhereNothingIsInHand() async throws {
    let silence = try HeldSocket(path: "\(site.path)/.s.PGSQL.5432")
    let forwarder = try site.startForwarder(to: "postgresql:///x?host=\(site.path)")
    // It waits for its signals from then on.
    #expect(
      try await eventually {
        let status = String(decoding: try fileBytes("/proc/\(forwarder.id)/status"), as: UTF8.self)
        let blocked = status.firstMatch(of: /SigBlk:\t([0-9a-f]+)/).flatMap { Int($0.1, radix: 16) }
        return (blocked ?? 0) & 1 << (SIGTERM - 1) != 0
      })
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
    withExtendedLifetime(silence) {}
  }

  /// Each fault leaves every event where it is, and the error names the remedy.
  @Test(arguments: [
    ("ALTER TABLE delve_event SET UNLOGGED", "is not logged"),
    ("DROP TABLE delve_event", "--prepare"),
    ("ALTER TABLE delve_event DROP COLUMN eventkey", "--prepare"),
    ("ALTER TABLE delve_event DROP CONSTRAINT delve_event_pkey", "--prepare"),
    ("ALTER ROLE delve SET search_path = nowhere", "--prepare"),
  ])
  func weakPromiseOrWrongTableIsRefused(statement: String, complaint: String) async throws {
    try await prepare()
    try site.addEvents(1)
    try await server.sql(statement)
    let result = try await site.forward(to: server.uri())
    #expect(result.exitCode == 78, "\(result)")
    #expect(result.errorOutput.contains(complaint), "\(result)")
    #expect(site.count("new") == 1)
  }

  @Test func serverWithoutSyncsOrWithAnotherEncodingIsRefused() async throws {
    let careless = try await PostgreSQLServer(settings: ["fsync=off"])
    let result = try await site.forward(to: careless.uri(), "--prepare")
    #expect(result.exitCode == 78 && result.errorOutput.contains("fsync is off"), "\(result)")
    let old = try await PostgreSQLServer(encoding: "LATIN1")
    let other = try await site.forward(to: old.uri(), "--prepare")
    #expect(other.exitCode == 78 && other.errorOutput.contains("ENCODING 'UTF8'"), "\(other)")
  }

  @Test func insertAndTheKeyAreTheOnlyRightsThatAreNeeded() async throws {
    try await prepare()
    try await server.sql("CREATE ROLE writer LOGIN")
    try site.addEvents(2)
    let refused = try await site.forward(to: server.uri(user: "writer"))
    #expect(refused.exitCode == 78 && refused.errorOutput.contains("grant INSERT"), "\(refused)")
    try await server.sql("GRANT INSERT, SELECT (source, id) ON delve_event TO writer")
    let result = try await site.forward(to: server.uri(user: "writer"))
    #expect(result.exitCode == 0, "\(result)")
    #expect(try await server.count() == 2)
  }

  @Test func passwordComesFromLibpqsOwnPlacesAlone() async throws {
    try await prepare()
    try site.addEvents(1)
    try await server.sql(
      "CREATE ROLE writer LOGIN PASSWORD 'secret'; GRANT INSERT, SELECT (source, id) ON delve_event TO writer"
    )
    try await server.askForPasswordOf("writer")
    let without = try await site.forward(to: server.uri(user: "writer"))
    #expect(without.exitCode == 69 && without.errorOutput.contains("password"), "\(without)")
    let file = try site.folder.write("*:*:*:writer:secret\n".utf8, to: "pgpass")
    chmod(file, 0o600)
    let uri = server.uri(user: "writer", "passfile=\(file)")
    #expect(try await site.forward(to: uri).exitCode == 0)
    #expect(try await server.count() == 1)
    let refused = try await site.forward(to: server.uri("password=secret"))
    #expect(refused.exitCode == 64)
    #expect(refused.errorOutput.contains(".pgpass") && !refused.errorOutput.contains("secret"))
    let unreadable = try await site.forward(to: "postgresql://u:secret%zz@/")
    #expect(unreadable.exitCode == 64 && !unreadable.errorOutput.contains("secret"))
  }

  @Test func serverThatIsAwayEndsItAndTouchesNothing() async throws {
    let names = try site.addEvents(2)
    let result = try await site.forward(to: "postgresql:///postgres?host=\(site.path)/nowhere")
    #expect(result.exitCode == 69, "\(result)")
    #expect(site.events.sorted() == names.map { "acme/new/\($0)" }.sorted())
    #expect(site.files("spool/acme/defer") == [])
  }

  @Test func lockedTableIsWaitedFor() async throws {
    try await prepare()
    try site.addEvents(2)
    let locker = try server.session(
      "BEGIN; LOCK TABLE delve_event; SELECT 'locked', pg_sleep(1000)")
    #expect(
      try await eventually {
        try await server.sql(
          "SELECT count(*) FROM pg_locks WHERE relation = 'delve_event'::regclass AND granted")
          != "0"
      })
    let forwarder = try site.startForwarder(to: server.uri(), "--timeout", "1")
    #expect(try await eventually { site.text("forward.log").contains("lock timeout") })
    #expect(site.count("dead") == 0 && site.count("defer") == 0)
    locker.send(signal: SIGINT)
    #expect(try await eventually { site.count("done") == 2 })
    #expect(try await server.count() == 2)
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
  }

  @Test func secondSignalEndsItInTheMiddleOfAStatement() async throws {
    try await prepare()
    try site.addEvents(20)
    let forwarder = try site.startForwarder(to: server.uri(), "--timeout", "3600")
    #expect(try await eventually { site.count("done") == 20 })
    let locker = try server.session("BEGIN; LOCK TABLE delve_event; SELECT pg_sleep(1000)")
    #expect(
      try await eventually {
        try await server.sql(
          "SELECT count(*) FROM pg_locks WHERE relation = 'delve_event'::regclass AND granted")
          != "0"
      })
    try site.addEvents(5, from: 100)
    // The forwarder claims the events that were there when it looked: the first, or more.
    #expect(try await eventually { site.count("cur") > 0 })
    let asked = ContinuousClock.now
    forwarder.send(signal: SIGTERM)
    #expect(try await eventually { site.text("forward.log").contains("stopping") })
    // It goes on; on a busy machine, its time to finish may be over.
    #expect(site.count("cur") > 0 || ContinuousClock.now - asked > .seconds(25))
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
    #expect(site.count("new") == 5 && site.count("cur") == 0)
    locker.send(signal: SIGINT)
  }
}
