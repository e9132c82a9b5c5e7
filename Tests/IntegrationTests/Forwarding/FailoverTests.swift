internal import Glibc
internal import TestSupport
internal import Testing

extension UnderLoad {
  /// A server dies under load, and its synchronous standby takes its place.
  struct FailoverTests {
    private let eventsOfEach = 1_000
    private let distinct = 2_000

    private func makeSites(_ count: Int) throws -> [SpoolSite] {
      try (0..<count).map { number in
        let site = try SpoolSite()
        // Half of them are also the next one's.
        try site.addEvents(eventsOfEach, from: number * eventsOfEach / 2)
        return site
      }
    }

    private func done(_ sites: [SpoolSite]) -> [Int] { sites.map { $0.count("done") } }

    private func uri(_ servers: PostgreSQLServer...) -> String {
      let hosts = servers.map(\.socketFolder).joined(separator: ",")
      return "postgresql:///postgres?host=\(hosts)&user=delve&target_session_attrs=read-write"
    }

    @Test func eventThatIsDoneIsAtTheNewServer() async throws {
      let primary = try await PostgreSQLServer()
      let sites = try makeSites(3)
      #expect(try await sites[0].forward(to: primary.uri(), "--prepare").exitCode == 0)
      // Inserts are so slow that the server dies in the middle.
      try await primary.sql(
        """
        CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          PERFORM pg_sleep(0.001); RETURN new; END $$;
        CREATE TRIGGER dawdle BEFORE INSERT ON delve_event FOR EACH ROW EXECUTE FUNCTION dawdle()
        """)
      let standby = try await PostgreSQLServer(standbyOf: primary)
      // The copy does not have this setting, so nobody is waited for after the change.
      try await primary.set("synchronous_standby_names", to: "*")
      let forwarders = try sites.map {
        try $0.startForwarder(to: uri(primary, standby), "--timeout", "15")
      }
      #expect(try await eventually { done(sites).allSatisfy { $0 > 0 } })

      // The standby no longer hears from the primary. A forwarder that gives up lets the primary go
      // on: the rows that only the primary has are lost with it. The next try finds them there.
      let receiver = try #require(
        pid_t(try await standby.sql("SELECT pid FROM pg_stat_wal_receiver")))
      kill(receiver, SIGSTOP)
      #expect(
        try await eventually {
          sites.contains { $0.text("forward.log").ranges(of: "no answer").count > 1 }
        })
      #expect(try await eventually { try await primary.count() > standby.count() })
      try await primary.killHard()
      // Not even what lies in its socket arrives.
      kill(receiver, SIGKILL)
      #expect(
        try await eventually {
          let result = try await command(
            "psql", ["-qAtX", "-d", standby.uri(), "-c", "SELECT pg_promote()"])
          return result.output == "t\n"
        })

      #expect(
        try await eventually { done(sites).allSatisfy { $0 == eventsOfEach } })
      #expect(try await standby.count() == distinct)
      for site in sites {
        for state in ["new", "cur", "defer", "dead"] {
          #expect(site.files("spool/acme/\(state)") == [])
        }
      }
      for forwarder in forwarders {
        forwarder.send(signal: SIGTERM)
        #expect(try await forwarder.exitCode() == 0)
      }
    }
  }
}
