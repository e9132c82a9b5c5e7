internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

extension UnderLoad {
  /// Several receivers' spools flow into one table while processes die.
  struct ManyMachinesTests {
    /// Makes four receivers. Each has half of its events in common with the next.
    private func sites() throws -> [SpoolSite] {
      try (0..<4).map { number in
        let site = try SpoolSite()
        try site.addEvents(1_000, from: number * 500)
        return site
      }
    }

    private let distinct = 2_500

    private func expectNothingLost(_ sites: [SpoolSite], _ server: PostgreSQLServer) async throws {
      #expect(try await server.count() == distinct)
      #expect(try await server.sql("SELECT count(DISTINCT id) FROM delve_event") == "\(distinct)")
      for site in sites {
        #expect(site.count("done") == 1_000)
        for state in ["new", "cur", "defer", "dead"] {
          #expect(site.files("spool/acme/\(state)") == [])
        }
      }
    }

    @Test func eachEventIsOneRowWhateverDies() async throws {
      let server = try await PostgreSQLServer()
      let sites = try sites()
      #expect(try await sites[0].forward(to: server.uri(), "--prepare").exitCode == 0)
      // Inserts are so slow that processes die in the middle.
      try await server.sql(
        """
        CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          PERFORM pg_sleep(0.002); RETURN new; END $$;
        CREATE TRIGGER dawdle BEFORE INSERT ON delve_event FOR EACH ROW EXECUTE FUNCTION dawdle()
        """)
      var forwarders = try sites.map { try $0.startForwarder(to: server.uri()) }
      for round in 0..<12 {
        try await Task.sleep(for: .milliseconds(Int.random(in: 50...250)))
        switch round % 4 {
        case 0:
          // A forwarder in the middle of a transaction learns this from its connection.
          try await server.sql(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'delve-webhook-forward'
            """)
        case 1:
          try await server.killHard()
          try await server.start()
        default:
          let victim = Int.random(in: 0..<4)
          forwarders[victim].send(signal: SIGKILL)
          #expect(try await forwarders[victim].exitCode() == -SIGKILL)
          forwarders[victim] = try sites[victim].startForwarder(to: server.uri())
        }
      }
      // This makes two forwarders on one spool.
      let further = try sites[0].startForwarder(to: server.uri())
      #expect(
        try await eventually { sites.allSatisfy { $0.count("done") == 1_000 } })
      try await expectNothingLost(sites, server)
      for forwarder in forwarders + [further] {
        forwarder.send(signal: SIGTERM)
        #expect(try await forwarder.exitCode() == 0)
      }
    }

    /// Each starts with the other's last events. Without a common order, they would wait for each
    /// other.
    @Test func manyThatInsertTheSameEventsDoNotBlockEachOther() async throws {
      let server = try await PostgreSQLServer()
      let sites = try (0..<6).map { number in
        let site = try SpoolSite()
        for step in 0..<10 {
          // The time in the name decides the order in the spool, which differs between the spools.
          try site.addEvents(100, from: (number % 2 == 0 ? step : 9 - step) * 100)
        }
        return site
      }
      #expect(try await sites[0].forward(to: server.uri(), "--prepare").exitCode == 0)
      let results = try await withThrowingTaskGroup(of: CommandResult.self) { group in
        for site in sites { group.addTask { try await site.forward(to: server.uri()) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      for result in results { #expect(result.exitCode == 0, "\(result)") }
      #expect(try await server.count() == 1_000)
    }

    @Test(.enabled(if: mountIsAllowed(), "needs the right to mount"))
    func fullDiskOfTheServerLosesNothing() async throws {
      let server = try await PostgreSQLServer()
      let folder = try TemporaryFolder()
      let disk = try folder.makeFolder("disk")
      let mounted = try await command("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk])
      #expect(mounted.exitCode == 0, "\(mounted)")
      defer { umount2(disk, 2) }
      try await PostgreSQLServer.giveToUnprivilegedUser(disk)
      try await server.sql("CREATE TABLESPACE small LOCATION '\(disk)'")
      let site = try SpoolSite()
      try site.addEvents(3_000)
      #expect(try await site.forward(to: server.uri(), "--prepare").exitCode == 0)
      try await server.sql("ALTER TABLE delve_event SET TABLESPACE small")
      let once = try await site.forward(to: server.uri())
      #expect(once.exitCode == 69 && once.errorOutput.contains("No space left"), "\(once)")
      let arrived = try await server.count()
      #expect(arrived == site.count("done") && arrived < 3_000)
      #expect(site.count("new") == 3_000 - arrived)
      let forwarder = try site.startForwarder(to: server.uri())
      #expect(try await eventually { site.text("forward.log").contains("No space left") })
      let larger = try await command("mount", ["-o", "remount,size=64m", disk])
      #expect(larger.exitCode == 0)
      #expect(try await eventually { site.count("done") == 3_000 })
      #expect(try await server.count() == 3_000)
      #expect(site.files("spool/acme/dead") == [])
      forwarder.send(signal: SIGTERM)
      #expect(try await forwarder.exitCode() == 0)
      try await server.sql("ALTER TABLE delve_event SET TABLESPACE pg_default")
    }

    /// An event that is posted twice has one id.
    @Test func nothingIsLostOverHTTPWhenForwardersAreKilled() async throws {
      let site = try SpoolSite()
      try site.addEvents(1_500)
      let folder = site.folder
      let settings = """
        location = /keep {
          client_body_in_file_only on; client_body_temp_path \(site.path)/kept;
          proxy_pass https://127.0.0.1:$server_port/stored;
        }
        location = /stored { return 200; }
        """
      try folder.makeFolder("kept")
      try await withHTTPSServer(in: folder, settings: settings) { port in
        let options = ["--ca-file", "\(folder.path)/tls.pem", "--jobs", "4"]
        let url = "https://localhost:\(port)/keep"
        for _ in 0..<6 {
          let forwarder = try site.startForwarder(to: url, options: options)
          try await Task.sleep(for: .milliseconds(Int.random(in: 50...400)))
          forwarder.send(signal: SIGKILL)
          #expect(try await forwarder.exitCode() == -SIGKILL)
        }
        // Something for the last one, too: it is then sure to take its signals.
        try site.addEvents(100, from: 1_500)
        let last = try site.startForwarder(to: url, options: options)
        #expect(try await eventually { site.count("done") == 1_600 })
        last.send(signal: SIGTERM)
        #expect(try await last.exitCode() == 0)
      }
      let ids = site.files("kept").compactMap {
        site.text("kept/\($0)").firstMatch(of: /"id":"([0-9a-f]{64})"/).map { String($0.1) }
      }
      #expect(Set(ids).count == 1_600)
    }
  }
}
