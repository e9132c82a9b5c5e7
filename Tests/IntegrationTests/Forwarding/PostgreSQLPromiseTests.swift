internal import Foundation
internal import Glibc
internal import LinuxSystem
internal import TestSupport
internal import Testing

/// What a COMMIT has to promise before an event goes to `done/`.
@Suite(.noHang)
struct PostgreSQLPromiseTests {
  let site: SpoolSite
  let server: PostgreSQLServer

  init() async throws {
    site = try SpoolSite()
    server = try await PostgreSQLServer()
    let result = try await site.forward(to: server.uri(), "--prepare")
    #expect(result.exitCode == 0, "\(result)")
  }

  // MARK: Settings

  /// Has each row tell the settings of the transaction that inserted it.
  private func recordSettings() async throws {
    try await server.sql(
      """
      ALTER TABLE delve_event
        ADD COLUMN promised text DEFAULT current_setting('synchronous_commit'),
        ADD COLUMN limits text DEFAULT
          current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')
      """)
  }

  @Test(arguments: [
    ("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"),
    ("remote_apply", "remote_apply"),
  ])
  func commitPromisesAtLeastTheDisk(ofRole: String, inTransaction: String) async throws {
    try await recordSettings()
    try await server.sql("ALTER ROLE delve SET synchronous_commit = \(ofRole)")
    #expect(try await server.sql("SHOW synchronous_commit") == ofRole)
    try site.addEvents(1)
    #expect(try await site.forward(to: server.uri(), "--timeout", "20").exitCode == 0)
    #expect(
      try await server.sql("SELECT promised, limits FROM delve_event")
        == "\(inTransaction)|18s 19s")
  }

  @Test func settingsThatChangeWhileItRunsAreNoticed() async throws {
    try await recordSettings()
    try site.addEvents(1)
    let forwarder = try site.startForwarder(to: server.uri())
    #expect(try await eventually { site.count("done") == 1 })
    try await server.set("synchronous_commit", to: "off")
    try site.addEvents(1, from: 1)
    #expect(try await eventually { site.count("done") == 2 })
    #expect(try await server.sql("SELECT DISTINCT promised FROM delve_event") == "on")
    try await server.set("fsync", to: "off")
    try site.addEvents(1, from: 2)
    #expect(try await forwarder.exitCode() == 78)
    #expect(site.text("forward.log").contains("fsync is off"))
    #expect(site.count("done") == 2 && site.count("new") == 1)
  }

  /// Only the partition is not logged; the table is.
  @Test func partitionThatIsNotLoggedIsRefused() async throws {
    try await server.sql(
      """
      DROP TABLE delve_event;
      CREATE TABLE delve_event (source text, id text, eventkey text, type text, subject text,
        "time" timestamptz, recordedtime timestamptz, instance text, event json,
        PRIMARY KEY (source, id)) PARTITION BY LIST (source);
      CREATE TABLE outer_part PARTITION OF delve_event DEFAULT PARTITION BY HASH (id);
      CREATE TABLE inner_part PARTITION OF outer_part FOR VALUES WITH (modulus 1, remainder 0)
      """)
    try site.addEvents(1)
    #expect(try await site.forward(to: server.uri()).exitCode == 0)
    let forwarder = try site.startForwarder(to: server.uri())
    try site.addEvents(1, from: 1)
    #expect(try await eventually { site.count("done") == 2 })
    try await server.sql("ALTER TABLE inner_part SET UNLOGGED")
    try site.addEvents(1, from: 2)
    #expect(try await forwarder.exitCode() == 78)
    #expect(
      site.text("forward.log").contains("inner_part, a partition of delve_event, is not logged"))
    let refused = try await site.forward(to: server.uri())
    #expect(refused.exitCode == 78 && refused.errorOutput.contains("inner_part"), "\(refused)")
    #expect(site.count("new") == 1)
    try await server.sql("ALTER TABLE inner_part SET LOGGED")
    #expect(try await site.forward(to: server.uri()).exitCode == 0)
  }

  @Test func nothingIsLeftSetForOtherClientsOfAPooler() async throws {
    let pooler = try await PgBouncer(to: server)
    let settings = """
      SELECT current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')
        || ' ' || current_setting('synchronous_commit')
      """
    try await server.sql("ALTER ROLE delve SET synchronous_commit = off")
    try site.addEvents(20)
    let result = try await site.forward(to: pooler.uri)
    #expect(result.exitCode == 0, "\(result)")
    #expect(try await server.count() == 20)
    #expect(try await pooler.sql(settings) == "0 0 off")
    // All clients have one session: what one sets for it, another sees.
    #expect(try await pooler.sql("SELECT set_config('lock_timeout', '7s', false)") == "7s")
    #expect(try await pooler.sql(settings) == "7s 0 off")
  }

  // MARK: Standbys

  /// The second try finds the rows of the first, whose COMMIT no standby has confirmed.
  @Test func rowThatIsThereAlreadyIsNoPromise() async throws {
    try site.addEvents(3)
    try await server.set("synchronous_standby_names", to: "*")
    let first = try await site.forward(to: server.uri(), "--timeout", "15")
    #expect(first.exitCode == 69 && first.errorOutput.contains("no answer"), "\(first)")
    try await server.killHard()
    try await server.start()
    #expect(try await server.count() == 3)
    let second = try await site.forward(to: server.uri(), "--timeout", "15")
    #expect(second.exitCode == 69 && second.errorOutput.contains("no answer"), "\(second)")
    #expect(site.count("new") == 3)
    let standby = try await PostgreSQLServer(standbyOf: server)
    try site.addEvents(1, from: 3)
    let third = try await site.forward(to: server.uri())
    #expect(third.exitCode == 0, "\(third)")
    #expect(site.count("done") == 4)
    #expect(try await standby.count() == 4)
  }

  /// The server then answers COMMIT, and says in a warning that it has not waited.
  @Test func waitForAStandbyThatSomebodyCancelsIsNoPromise() async throws {
    try site.addEvents(3)
    try await server.set("synchronous_standby_names", to: "*")
    let forwarder = try site.startForwarder(to: server.uri())
    let waits = "wait_event = 'SyncRep'"
    for _ in 0..<2 {
      #expect(try await eventually { try await server.sessions(where: waits) == 1 })
      try await server.sql(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE \(waits)")
    }
    #expect(try await eventually { try await server.sessions(where: waits) == 1 })
    #expect(try await server.count() == 3)
    #expect(site.count("done") == 0)
    let standby = try await PostgreSQLServer(standbyOf: server)
    #expect(try await eventually { site.count("done") == 3 })
    #expect(try await standby.count() == 3)
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
  }

  /// As a server answers a COMMIT that it cannot fulfil.
  @Test func commitThatIsAnsweredWithRollbackIsNoPromise() async throws {
    try site.addEvents(2)
    let relay = try HeldSocket(path: "\(site.path)/.s.PGSQL.5432")
    let folder = try #require(server.uri().firstMatch(of: /host=([^&]+)/)).1
    let socket = "\(folder)/.s.PGSQL.5432"
    Thread.detachNewThread { relayAnsweringRollback(relay, to: socket) }
    let result = try await site.forward(
      to: "postgresql:///postgres?host=\(site.path)&user=delve&sslmode=disable")
    #expect(result.exitCode == 69 && result.errorOutput.contains("has rolled back"), "\(result)")
    #expect(site.count("new") == 2 && site.count("done") == 0)
  }

  // MARK: Giving up

  /// A session that goes on for nobody, many times over, would fill the server.
  @Test func nothingGoesOnAtTheServerAfterTheTimeLimit() async throws {
    try site.addEvents(1)
    try await server.set("synchronous_standby_names", to: "*")
    let forwarder = try site.startForwarder(to: server.uri(), "--timeout", "15")
    let waits = "wait_event = 'SyncRep'"
    #expect(try await eventually { try await server.sessions(where: waits) == 1 })
    #expect(try await eventually { site.text("forward.log").contains("no answer") })
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
    #expect(try await eventually { try await server.sessions(where: "true") == 0 })
  }

  @Test func nothingGoesOnAtTheServerAfterASecondSignal() async throws {
    try await server.sql(
      """
      CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep(1000); RETURN new; END $$;
      CREATE TRIGGER dawdle BEFORE INSERT ON delve_event FOR EACH ROW EXECUTE FUNCTION dawdle()
      """)
    try site.addEvents(1)
    let forwarder = try site.startForwarder(to: server.uri(), "--timeout", "3600")
    let inserts = "state = 'active' AND query LIKE 'INSERT%'"
    #expect(
      try await eventually {
        try await server.sessions(where: inserts + " AND wait_event = 'PgSleep'") == 1
      })
    let asked = ContinuousClock.now
    forwarder.send(signal: SIGTERM)
    #expect(try await eventually { site.text("forward.log").contains("stopping") })
    // It goes on; on a busy machine, its time to finish may be over.
    let isGoingOn = try await server.sessions(where: inserts) == 1
    #expect(isGoingOn || ContinuousClock.now - asked > .seconds(25))
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
    #expect(try await eventually { try await server.sessions(where: inserts) == 0 })
    #expect(site.count("new") == 1)
  }
}

/// Passes on what client and server say, and has the server answer each COMMIT with ROLLBACK. The sockets
/// stay open: another test's file would get their numbers while a thread still reads.
private func relayAnsweringRollback(_ listener: HeldSocket, to path: String) {
  /// CommandComplete (PostgreSQL's manual, §55.7).
  @Sendable func complete(_ tag: String) -> [UInt8] {
    [UInt8(ascii: "C"), 0, 0, 0, UInt8(tag.utf8.count + 5)] + Array(tag.utf8) + [0]
  }
  while true {
    let client = accept(listener.descriptor, nil, nil)
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard client >= 0, let address = SocketAddress(unixPath: path),
      address.withPointer({ connect(server, $0, $1) }) == 0
    else { return }
    Thread.detachNewThread { pass(from: client, to: server) { $0 } }
    Thread.detachNewThread {
      pass(from: server, to: client) {
        $0.replacing(complete("COMMIT"), with: complete("ROLLBACK"))
      }
    }
  }
}

private func pass(from source: Int32, to target: Int32, _ change: ([UInt8]) -> [UInt8]) {
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = recv(source, &buffer, buffer.count, 0)
    guard count > 0 else { break }
    let bytes = change(Array(buffer[..<count]))
    guard send(target, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { break }
  }
  for socket in [source, target] { shutdown(socket, Int32(SHUT_RDWR)) }
}
