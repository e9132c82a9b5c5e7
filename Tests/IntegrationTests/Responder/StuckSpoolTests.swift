internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// A spool, a log or a lock that somebody holds up. The responder says so in time, and ends in
/// time.
@Suite(.noHang)
struct StuckSpoolTests {
  @Test func heldLockIsAnsweredWith503AndTheHealthCheckSaysThatNothingIsStored() async throws {
    let settings = exampleConfiguration(settings: "workers: 2")
    try await withResponder(configuration: settings) { responder in
      let lock = "\(responder.folder.path)/spool/acme/lock"
      #expect(mode(of: lock) == 0o600)
      let holder = LockHolder(spool: "\(responder.folder.path)/spool")
      // On a busy machine, the time of the whole request may be over before the answer is written:
      // then again.
      var response: FastCGIClient.Response?
      _ = try await eventually {
        let start = ContinuousClock.now
        let client = try responder.client()
        try client.beginDelivery(try nowAuthorization())
        response = try? client.response()
        #expect(ContinuousClock.now - start > .seconds(9))
        return response != nil
      }
      let answer = try #require(response)
      #expect(answer.status == 503)
      #expect(answer.text.contains(#""code":"spool-locked""#))
      #expect(try await responder.logs("path=\(lock)"), "\(responder.log)")
      #expect(responder.storedEvents == [])
      _ = consume holder
      #expect(try responder.deliver(authorization: try nowAuthorization()).status == 202)
    }
  }

  /// strace(1) holds the one worker up as a disk that hangs does.
  @Test func deliveryThatNoWorkerTakesInTimeLeavesALine() async throws {
    let settings = exampleConfiguration(settings: "workers: 1")
    try await withResponder(configuration: settings) { responder in
      let strace = try SpawnedProcess(
        "strace",
        [
          "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=600s",
          "-p", "\(responder.process.id)",
        ], log: "\(responder.folder.path)/strace.log")
      #expect(
        try await eventually { responder.folder.text(of: "strace.log").contains("attached") },
        "\(responder.folder.text(of: "strace.log"))")
      let clients = try (0..<3).map { number in
        let client = try responder.client()
        try client.beginDelivery(try nowAuthorization(id: "\(number)"))
        return client
      }
      #expect(
        try await responder.logs("a delivery got no answer: no worker was free in time"),
        "\(responder.log)")
      withExtendedLifetime(clients) {}
      strace.send(signal: SIGKILL)
      responder.process.send(signal: SIGKILL)
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
      // Their lines are longer than what a pipe takes, 64 KiB.
      for number in 0..<700 {
        let token = try nowAuthorization(id: "\(number)")
        #expect(try responder.deliver(authorization: token).status == 202)
        await Task.yield()
      }
      #expect(responder.healthStatus() == 200)
      process.send(signal: SIGTERM)
    }
    #expect(exitCode == 0)
  }

  @Test func strangersCannotTurnTheLogOver() async throws {
    try await withResponder { (responder) async throws in
      var count = 0
      let isHeldBack = try await eventually {
        count += try responder.deliverUnauthorized(100).count
        return responder.log.contains("suppressed=")
      }
      #expect(isHeldBack, "\(responder.log)")
      let lines = responder.log.split(separator: "\n").count { $0.contains("code=missing") }
      #expect(lines < count, "\(lines)")
    }
  }

  /// RLIMIT_FSIZE: the kernel's signal would end the program.
  @Test func limitOnTheSizeOfFilesIsAnError() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let program = Repository.executable("delve-webhook-fcgi")
    _ = try await withProcess(
      "sh",
      ["-c", "ulimit -f 1; exec \(program) --config \(config) --listen unix:\(folder.path)/s"],
      log: "\(folder.path)/log"
    ) { process in
      let responder = ResponderUnderTest(folder: folder, process: process)
      #expect(try await eventually { responder.healthStatus() == 200 })
      let response = try responder.deliver(authorization: try nowAuthorization())
      #expect(response.status == 503)
      #expect(response.text.contains(#""code":"spool-io""#))
      #expect(responder.healthStatus() == 200)
    }
  }

  @Test(.enabled(if: getuid() == 0, "needs root, to give the spool to another user"))
  func spoolOfAnotherUserIsRefusedByNameAndRemedy() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool/acme")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    // The instance's folder, and then a spool in which it is yet to be made.
    for path in ["spool/acme", "spool"] {
      #expect(chown("\(folder.path)/\(path)", 65_534, 65_534) == 0)
      let result = try await command(
        Repository.executable("delve-webhook-fcgi"),
        ["--config", config, "--listen", "unix:\(folder.path)/s"])
      #expect(result.exitCode == 78)
      #expect(
        result.errorOutput.contains(
          "belongs to another user, nobody; run this as its owner: runuser -u nobody --"))
      rmdir("\(folder.path)/spool/acme")
    }
    let plain = try await command(
      Repository.executable("delve-webhook-fcgi"),
      environment: [
        "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST", "DELVE_WEBHOOK_CONFIG": config,
      ])
    #expect(plain.output.hasPrefix("Status: 503"))
    #expect(plain.output.contains("spool-permission"))
  }

  /// `mv new batch; mkdir new` is how a batch may be taken.
  @Test func deliveryGoesIntoTheNewFolderAtOnce() async throws {
    try await withResponder { responder in
      let spool = "\(responder.folder.path)/spool/acme"
      for number in 1...3 {
        let token = try nowAuthorization(id: "\(number)")
        #expect(try responder.deliver(authorization: token).status == 202)
        #expect(rename("\(spool)/new", "\(spool)/batch-\(number)") == 0)
        #expect(mkdir("\(spool)/new", 0o750) == 0)
        let next = try nowAuthorization(id: "next-\(number)")
        let status = try responder.deliver(authorization: next).status
        #expect(status == 202, "\(responder.log)")
        #expect(responder.storedEvents.count == 1)
        #expect(responder.folder.files(below: "spool/acme/batch-\(number)").count == min(number, 2))
      }
    }
  }

  /// What lies in the place of one instance's folder is said, and does not concern another.
  @Test func folderThatCannotBeOpenedAgainKeepsNoOtherFromIt() async throws {
    try await withResponder(configuration: twoInstances()) { responder in
      let spool = "\(responder.folder.path)/spool"
      // Nothing is made where no spool is.
      try responder.folder.write("x".utf8, to: "other/acme")
      rename(spool, "\(spool)-old")
      rename("\(responder.folder.path)/other", spool)
      func status(_ instance: String) throws -> Int? {
        let token = try nowAuthorization(id: instance)
        return try responder.deliver(authorization: token, instance: instance).status
      }
      #expect(try await eventually { try status("beta") == 202 }, "\(responder.log)")
      #expect(try status("acme") == 503)
      #expect(
        try await responder.logs("it cannot be opened again instance=acme"), "\(responder.log)")
      unlink("\(spool)/acme")
      #expect(try await eventually { try status("acme") == 202 }, "\(responder.log)")
    }
  }

  @Test func movedFolderIsNoticedAndNothingIsPromisedIntoIt() async throws {
    let settings = exampleConfiguration(settings: "workers: 1")
    try await withResponder(configuration: settings) { responder in
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
      #expect(responder.log.contains("opened the spool again"), "\(responder.log)")
      // Nothing looks after the folders that were moved away.
      let files = "/proc/\(responder.process.id)/fd"
      #expect(
        try await eventually {
          try FileManager.default.contentsOfDirectory(atPath: files).allSatisfy {
            let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(files)/\($0)")
            return path?.contains("/aside-") != true
          }
        })
    }
  }
}
