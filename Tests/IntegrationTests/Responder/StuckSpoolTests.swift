internal import Glibc
internal import TestSupport
internal import Testing

/// A spool, a log or a lock that somebody holds up. The responder says so in time, and ends in
/// time.
@Suite(.timeLimit(.minutes(2)))
struct StuckSpoolTests {
  @Test func heldLockIsAnsweredWith503AndTheHealthCheckSaysThatNothingIsStored() async throws {
    let settings = exampleConfiguration(settings: "workers: 2")
    try await withResponder(configuration: settings) { responder in
      let lock = "\(responder.folder.path)/spool/acme/lock"
      #expect(mode(of: lock) == 0o600)
      let holder = LockHolder(spool: "\(responder.folder.path)/spool")
      let start = ContinuousClock.now
      let client = try responder.client()
      try client.beginDelivery(try nowAuthorization())
      #expect(try await client.hasInput())
      #expect(ContinuousClock.now - start > .seconds(9))
      let response = try client.response()
      #expect(response.status == 503)
      #expect(response.text.contains(#""code":"spool-locked""#))
      #expect(try await responder.logs("path=\(lock)"), "\(responder.log)")
      #expect(responder.storedEvents == [])
      _ = consume holder
      #expect(try responder.deliver(authorization: try nowAuthorization()).status == 202)
    }
  }

  @Test func logThatNobodyReadsHoldsUpNothing() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let pipe = folder.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    // Somebody has it open, and never reads.
    let reader = open(pipe, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    let (_, exitCode) = try await withProcess(
      Repository.executable("delve-webhook-fcgi"),
      ["--config", config, "--listen", "unix:\(folder.path)/s"], log: pipe
    ) { process in
      let responder = ResponderUnderTest(folder: folder, process: process)
      #expect(try await eventually { responder.healthStatus() == 200 })
      for number in 0..<2_000 {
        let token = number % 2 == 0 ? nil : try nowAuthorization(id: "\(number)")
        let status = try responder.deliver(authorization: token).status
        #expect(status == (token == nil ? 401 : 202))
      }
      #expect(responder.healthStatus() == 200)
      process.send(signal: SIGTERM)
    }
    #expect(exitCode == 0)
  }

  @Test func strangersCannotTurnTheLogOver() async throws {
    try await withResponder { responder in
      for _ in 0..<300 { _ = try responder.deliver(authorization: nil) }
      #expect(try await eventually { responder.log.contains("suppressed=") })
      let lines = responder.log.split(separator: "\n").count { $0.contains("code=missing") }
      #expect(lines < 150, "\(lines)")
    }
  }

  @Test func movedFolderIsNoticedAndNothingIsPromisedIntoIt() async throws {
    try await withResponder { responder in
      let spool = "\(responder.folder.path)/spool"
      #expect(try responder.deliver(authorization: try nowAuthorization(id: "1")).status == 202)
      for (number, name) in ["acme/new", "acme", "acme/ids", ""].enumerated() {
        let path = name.isEmpty ? spool : "\(spool)/\(name)"
        let aside = "\(responder.folder.path)/aside-\(number)"
        _ = try await command("mv", [path, aside])
        let token = try nowAuthorization(id: "moved-\(number)")
        let status = try responder.deliver(authorization: token).status
        if name.isEmpty { try responder.folder.makeFolder("spool") }
        // At once it is refused, or stored where everybody looks.
        let isStored = responder.storedEvents.contains { $0.contains("/new/") }
        #expect(status == 503 || (status == 202 && isStored), "\(name): \(status)")
        #expect(
          try await eventually {
            let status = try responder.deliver(authorization: token).status
            return (200...202).contains(status)
          }, "\(name)")
        #expect(responder.storedEvents.count >= 1)
        #expect(try await eventually { responder.healthStatus() == 200 })
      }
    }
  }
}
