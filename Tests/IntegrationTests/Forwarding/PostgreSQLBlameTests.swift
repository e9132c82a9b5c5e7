internal import Glibc
internal import TestSupport
internal import Testing

/// One event that the server fails with costs the others little.
@Suite(.noHang)
struct PostgreSQLBlameTests {
  let site: SpoolSite
  let server: PostgreSQLServer

  init() async throws {
    site = try SpoolSite()
    server = try await PostgreSQLServer()
    let result = try await site.forward(to: server.uri(), "--prepare")
    #expect(result.exitCode == 0, "\(result)")
  }

  /// Has the server act on the event with this number.
  private func act(_ action: String, on number: Int) async throws {
    try await server.sql(
      """
      CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF new.subject = 'export/\(number)' THEN \(action); END IF; RETURN new; END $$;
      CREATE TRIGGER act BEFORE INSERT ON delve_event FOR EACH ROW EXECUTE FUNCTION act()
      """)
  }

  private func expectOnlyOneIsPutOff(
    of count: Int, _ name: String, _ result: CommandResult, sqlState: String
  ) async throws {
    #expect(result.exitCode == 1, "\(result)")
    #expect(site.count("done") == count - 1)
    #expect(try await server.count() == count - 1)
    #expect(site.files("spool/acme/defer") == [name, "\(name).state"])
    let state = site.text("spool/acme/defer/\(name).state")
    #expect(state.contains("\"answer\":\"\(sqlState)\""), "\(state)")
  }

  @Test(arguments: [0, 117, 199])
  func eventThatTheServerFailsWithIsPutOff(number: Int) async throws {
    let names = try site.addEvents(200)
    try await act("RAISE 'index is corrupt' USING ERRCODE = 'XX002'", on: number)
    let result = try await site.forward(to: server.uri())
    try await expectOnlyOneIsPutOff(of: 200, names[number], result, sqlState: "XX002")
  }

  /// Whatever the server calls it: it takes the others.
  @Test(arguments: ["08001", "25006", "28000", "53100", "57P03", "42P01", "42703"], [0, 15])
  func eventThatFailsByAnErrorOfTheServerIsPutOff(sqlState: String, number: Int) async throws {
    let names = try site.addEvents(30)
    try await act("RAISE 'no' USING ERRCODE = '\(sqlState)'", on: number)
    let result = try await site.forward(to: server.uri())
    try await expectOnlyOneIsPutOff(of: 30, names[number], result, sqlState: sqlState)
  }

  @Test(arguments: [0, 15])
  func eventThatEndsItsBackendIsPutOff(number: Int) async throws {
    let names = try site.addEvents(30)
    try await act(
      "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(9)", on: number)
    let result = try await site.forward(to: server.uri())
    #expect(result.exitCode == 1, "\(result)")
    #expect(site.files("spool/acme/done").count == 29)
    #expect(site.text("spool/acme/defer/\(names[number]).state").contains(#""noanswer":true"#))
  }

  /// Without an error, and without the row.
  @Test func eventThatATriggerDropsIsNotDone() async throws {
    let names = try site.addEvents(30)
    try await act("RETURN NULL", on: 3)
    let result = try await site.forward(to: server.uri())
    try await expectOnlyOneIsPutOff(of: 30, names[3], result, sqlState: "02000")
  }

  @Test func tableThatKeepsNothingTakesNothing() async throws {
    try site.addEvents(30)
    try await server.sql(
      """
      CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER act BEFORE INSERT ON delve_event FOR EACH ROW EXECUTE FUNCTION act()
      """)
    let result = try await site.forward(to: server.uri())
    #expect(result.exitCode == 69 && result.errorOutput.contains("triggers"), "\(result)")
    #expect(site.count("new") == 30)
  }

  @Test func eventThatTheServerNeverGetsThroughWithIsPutOff() async throws {
    let names = try site.addEvents(20)
    try await act("PERFORM pg_sleep(1000)", on: 0)
    let result = try await site.forward(to: server.uri(), "--timeout", "15")
    try await expectOnlyOneIsPutOff(of: 20, names[0], result, sqlState: "57014")
    // The server notices a little later that its client has gone.
    #expect(try await eventually { try await server.sessions(where: "true") == 0 })
  }

  @Test func eventWhoseKeySomebodyHoldsIsPutOff() async throws {
    let names = try site.addEvents(20)
    let holder = try server.session(
      """
      BEGIN; INSERT INTO delve_event SELECT 'https://x#acme', '\(site.id(7))', 'k', 't', 's',
        now(), now(), 'acme', '{}'; SELECT pg_sleep(1000)
      """)
    #expect(
      try await eventually {
        try await server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
          == "1"
      })
    let result = try await site.forward(to: server.uri(), "--timeout", "15")
    try await expectOnlyOneIsPutOff(of: 20, names[7], result, sqlState: "55P03")
    holder.send(signal: SIGINT)
  }

  /// The right is taken away while a forwarder runs.
  @Test func rightThatIsTakenAwayIsNoEventsFault() async throws {
    try await server.sql(
      "CREATE ROLE writer LOGIN; GRANT INSERT, SELECT (source, id) ON delve_event TO writer")
    try site.addEvents(1)
    let forwarder = try site.startForwarder(to: server.uri(user: "writer"))
    #expect(try await eventually { site.count("done") == 1 })
    try await server.sql("REVOKE INSERT ON delve_event FROM writer")
    try site.addEvents(3, from: 1)
    #expect(try await forwarder.exitCode() == 78)
    #expect(site.text("forward.log").contains("grant INSERT"))
    #expect(site.count("done") == 1 && site.count("dead") == 0)
  }
}
