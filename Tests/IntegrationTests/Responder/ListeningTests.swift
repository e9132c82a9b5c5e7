internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// The ways in which the responder gets its socket, and the addresses that it refuses.
@Suite(.noHang)
struct ListeningTests {
  /// Starts the responder with `arguments` and `--config`. It must end by itself.
  private func start(
    _ arguments: [String], in folder: TemporaryFolder? = nil
  ) async throws -> CommandResult {
    let folder = try folder ?? TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    return try await command(
      Repository.executable("delve-webhook-fcgi"), ["--config", config] + arguments)
  }

  @Test func portOfALoopbackAddressIsServed() async throws {
    let port = try freePort()
    let (_, exitCode) = try await withResponder(start: .listeningOnPort(port)) {
      (responder) async throws in
      #expect(try responder.deliver(authorization: try nowAuthorization()).status == 202)
      // The process that listens there already is not disturbed.
      let second = try await start(["--listen", "127.0.0.1:\(port)"])
      #expect(second.exitCode == 73)
      #expect(second.errorOutput.contains("Address already in use"))
      #expect(responder.healthStatus() == 200)
    }
    #expect(exitCode == 0)
  }

  @Test(arguments: ["0.0.0.0:1", "[::]:1", "192.0.2.1:9000", "[2001:db8::1]:9000"])
  func addressThatOtherMachinesReachIsRefused(address: String) async throws {
    let result = try await start(["--listen", address])
    #expect(result.exitCode == 78)
    #expect(result.errorOutput.contains("--allow-remote"))
  }

  @Test func addressThatOtherMachinesReachIsServedWhereItIsAskedFor() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let port = try freePort()
    _ = try await withProcess(
      Repository.executable("delve-webhook-fcgi"),
      ["--config", config, "--listen", "0.0.0.0:\(port)", "--allow-remote"],
      log: "\(folder.path)/log"
    ) { (process) async throws in
      let responder = ResponderUnderTest(
        folder: folder, process: process, start: .listeningOnPort(port))
      #expect(try await eventually { responder.healthStatus() == 200 })
    }
  }

  @Test(arguments: [
    "9000", ":9000", "localhost:9000", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
    "127.0.0.1:+1", "::1:9000", "[::1]", "[127.0.0.1]:9000", "unix:", "1.2.3:9000",
  ])
  func malformedAddressIsAUsageError(address: String) async throws {
    let result = try await start(["--listen", address])
    #expect(result.exitCode == 64)
    #expect(result.errorOutput.contains("expected unix:PATH, 127.0.0.1:PORT or [::1]:PORT"))
  }

  @Test(arguments: [
    ["--socket-mode", "0999"], ["--socket-mode", "01777"], ["--socket-mode", "rw"],
    ["--socket-user", "no-such-user"], ["--socket-group", "no-such-group"],
  ])
  func wrongSocketOptionIsAUsageError(arguments: [String]) async throws {
    let result = try await start(["--listen", "unix:/tmp/never"] + arguments)
    #expect(result.exitCode == 64)
    #expect(result.errorOutput.contains(arguments[0]))
  }

  @Test(arguments: [["--replace"], ["--socket-mode", "0600"], ["--socket-group", "0"]])
  func socketOptionsNeedAUnixSocket(arguments: [String]) async throws {
    #expect(try await start(["--listen", "127.0.0.1:1"] + arguments).exitCode == 64)
    #expect(try await start(arguments).exitCode == 64)
  }

  @Test func modeUserAndGroupOfTheSocketAreAsAskedFor() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    // Root may give the socket to any user; any other user only to itself.
    let owner = getuid() == 0 ? (uid_t(1), gid_t(2)) : (getuid(), getgid())
    _ = try await withProcess(
      Repository.executable("delve-webhook-fcgi"),
      [
        "--config", config, "--listen=unix:\(folder.path)/s", "--socket-mode=0606",
        "--socket-user=\(owner.0)", "--socket-group=\(owner.1)",
      ], log: "\(folder.path)/log"
    ) { (process) async throws in
      let responder = ResponderUnderTest(folder: folder, process: process)
      #expect(try await eventually { responder.healthStatus() == 200 })
      var status = stat()
      stat(responder.socket, &status)
      #expect(status.st_mode & 0o777 == 0o606)
      #expect(status.st_uid == owner.0)
      #expect(status.st_gid == owner.1)
    }
  }

  @Test func fileThatIsNoSocketIsNotReplaced() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("precious".utf8), to: "s")
    for option in [[], ["--replace"]] {
      let result = try await start(["--listen", "unix:\(path)"] + option, in: folder)
      #expect(result.exitCode == 73)
      #expect(result.errorOutput.contains("exists and is not a socket"))
    }
    #expect(folder.text(of: "s") == "precious")
  }

  @Test func secondTerminationEndsItAtOnce() async throws {
    // On a busy machine, the responder's eight seconds may be over before the second signal: then
    // again.
    let isSignalledInTime = try await eventually {
      let folder = try TemporaryFolder()
      let (waited, exitCode) = try await withResponder(in: folder) { responder in
        let client = try responder.client()
        try client.begin()
        let start = ContinuousClock.now
        responder.process.send(signal: SIGTERM)
        #expect(try await eventually { responder.log.contains("stopping") })
        responder.process.send(signal: SIGTERM)
        let waited = ContinuousClock.now - start
        #expect(try await client.isClosedByPeer())
        return waited
      }
      guard waited < .seconds(7) else { return false }
      #expect(exitCode == 0)
      // Otherwise the responder would have waited for the request, and logged this.
      #expect(!folder.text(of: "log").contains("stopped"))
      return true
    }
    #expect(
      isSignalledInTime, "the responder's time to end was over before the second signal, each time")
  }

  /// mod_fcgid sends SIGTERM twice, a second apart, and may be about to connect when it does.
  @Test func processManagersTerminationLosesNoRequest() async throws {
    // On a busy machine, a limit of the responder's may be over before the test's next step: then again.
    let isAnswered = try await eventually {
      let folder = try TemporaryFolder()
      try folder.makeFolder("spool")
      let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
      let process = try SpawnedProcess(
        "spawn-fcgi",
        [
          "-n", "-s", "\(folder.path)/s", "--", Repository.executable("delve-webhook-fcgi"),
          "--config", config,
        ], log: "\(folder.path)/log")
      let responder = ResponderUnderTest(folder: folder, process: process.running)
      #expect(try await eventually { responder.healthStatus() == 200 })
      let start = ContinuousClock.now
      do {
        let early = try responder.client()
        try early.begin()
        process.send(signal: SIGTERM)
        // Its socket is still there.
        let late = try responder.client()
        #expect(try await responder.logs("stopping"))
        process.send(signal: SIGTERM)
        for (client, id) in [(late, "late"), (early, "early")] {
          if id == "late" { try client.begin() }
          let parameters = deliveryParameters(authorization: try nowAuthorization(id: id))
          try client.send(.parameters, FastCGIClient.encoded(parameters))
          try client.send(.parameters, [])
          try client.send(.standardInput, Array("{}".utf8))
          try client.send(.standardInput, [])
          #expect(try client.response().status == 202)
        }
      } catch FastCGIClient.Failure.cannotConnect {
        return false
      } catch FastCGIClient.Failure.closed where ContinuousClock.now - start > .seconds(7) {
        return false
      }
      #expect(try await process.exitCode() == 0)
      return true
    }
    #expect(isAnswered)
  }

  /// Starts the responder with so few descriptors that it has room for only a few connections.
  private func startWithRoomForFew(
    in folder: TemporaryFolder, settings: String = ""
  ) async throws -> (ResponderUnderTest, SpawnedProcess) {
    try folder.makeFolder("spool")
    let config = try folder.write(
      exampleConfiguration(settings: settings).utf8, to: "config.yaml")
    let program = Repository.executable("delve-webhook-fcgi")
    let process = try SpawnedProcess(
      "sh",
      ["-c", "ulimit -n 424; exec \(program) --config \(config) --listen unix:\(folder.path)/s"],
      log: "\(folder.path)/log")
    let responder = ResponderUnderTest(folder: folder, process: process.running)
    let isUp = try await eventually { responder.healthStatus() == 200 }
    #expect(isUp, "\(responder.log)")
    return (responder, process)
  }

  private func room(for responder: ResponderUnderTest) async throws -> Int {
    #expect(try await responder.logs("connections="), "\(responder.log)")
    let match = try #require(responder.log.firstMatch(of: /connections=(\d+)/))
    let room = try #require(Int(match.1))
    #expect(room < 40)
    return room
  }

  @Test func whatIsBeyondTheBoundOnConnectionsWaitsAndIsAnswered() async throws {
    let folder = try TemporaryFolder()
    let (responder, process) = try await startWithRoomForFew(in: folder)
    let room = try await room(for: responder)
    let start = ContinuousClock.now
    var silent = try (0..<room).map { _ in try responder.client() }
    let late = try responder.client()
    try late.beginDelivery(try nowAuthorization())
    try await Task.sleep(for: .milliseconds(300))
    // Unless the silent ones' ten seconds are over, on a busy machine.
    #expect(responder.storedEvents == [] || ContinuousClock.now - start > .seconds(9))
    silent.removeAll()
    #expect(try late.response().status == 202)
    process.send(signal: SIGTERM)
    #expect(try await process.exitCode() == 0)
  }

  @Test func stopWithAFullTableEndsOnceItIsEmpty() async throws {
    let folder = try TemporaryFolder()
    let (responder, process) = try await startWithRoomForFew(in: folder)
    // Exactly as many as there is room for: more would wait in the backlog, and wake the responder.
    let room = try await room(for: responder)
    var silent = try (0..<room).map { _ in try responder.client() }
    try await Task.sleep(for: .milliseconds(300))
    let start = ContinuousClock.now
    process.send(signal: SIGTERM)
    #expect(try await eventually { responder.log.contains("stopping") })
    silent.removeAll()
    let waited = ContinuousClock.now - start
    #expect(try await process.exitCode() == 0)
    // Unless its eight seconds were over, on a busy machine.
    #expect(
      !responder.log.contains("stopped before") || waited > .seconds(7), "\(responder.log)")
  }

  @Test func workersAreStartedWhenTheyAreNeeded() async throws {
    try await withResponder(configuration: exampleConfiguration(settings: "workers: 3")) {
      (responder) async throws in
      func threads() throws -> Int {
        try FileManager.default.contentsOfDirectory(
          atPath: "/proc/\(responder.process.id)/task"
        ).count
      }
      let before = try threads()
      let holder = LockHolder(spool: "\(responder.folder.path)/spool")
      let start = ContinuousClock.now
      let clients = try (0..<6).map { number in
        let client = try responder.client()
        try client.beginDelivery(try nowAuthorization(id: "\(number)"))
        return client
      }
      #expect(try await eventually { try threads() == before + 2 })
      try await Task.sleep(for: .milliseconds(300))
      #expect(try threads() == before + 2)
      _ = consume holder
      for client in clients {
        let status = (try? client.response())?.status
        // On a busy machine, a delivery may have waited for its ten seconds before: the one in hand is
        // answered then, and one that waits is not.
        let waited = ContinuousClock.now - start
        #expect(status == 202 || ([503, nil].contains(status) && waited > .seconds(9)))
      }
    }
  }

  @Test func logLinesHaveThePriorityUnderTheJournalAndATimeElsewhere() async throws {
    let folder = try TemporaryFolder()
    let log = try folder.write([], to: "log")
    var status = stat()
    stat(log, &status)
    let streams = ["\(status.st_dev):\(status.st_ino)": true, "1:2": false, "": false]
    for (stream, isJournal) in streams {
      _ = try await command("truncate", ["-s", "0", log])
      try folder.makeFolder("spool")
      let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
      _ = try await withProcess(
        Repository.executable("delve-webhook-fcgi"),
        ["--config", config, "--listen", "unix:\(folder.path)/s"],
        environment: ["JOURNAL_STREAM": stream], log: log
      ) { process in
        let responder = ResponderUnderTest(folder: folder, process: process)
        #expect(try await eventually { responder.healthStatus() == 200 })
        _ = try responder.deliver(authorization: nil)
      }
      let text = folder.text(of: "log")
      #expect(text.hasPrefix("<5>started ") == isJournal)
      #expect(text.contains("\n<4>code=missing-authorization ") == isJournal)
      #expect(text.contains(/\n\d{4}-\d\d-\d\dT[\d:.]+Z warning code=missing/) == !isJournal)
    }
  }

  @Test func serviceManagerIsToldWhenItIsReadyAndWhenItStops() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    for name in ["\(folder.path)/notify", "@\(folder.path)/notify"] {
      let manager = try DatagramReceiver(name)
      _ = try await withProcess(
        Repository.executable("delve-webhook-fcgi"),
        ["--config", config, "--listen", "unix:\(folder.path)/s"],
        environment: ["NOTIFY_SOCKET": name], log: "\(folder.path)/log"
      ) { (process) async throws in
        #expect(
          try await eventually {
            manager.next()?.hasPrefix("READY=1\nSTATUS=Serving acme since 20") ?? false
          })
        let responder = ResponderUnderTest(folder: folder, process: process)
        #expect(responder.healthStatus() == 200)
        process.send(signal: SIGTERM)
        #expect(try await eventually { manager.next() == "STOPPING=1" })
      }
    }
  }
}
