internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

extension UnderLoad {
  /// Thousands of peers connect. Failed connections leave nothing behind, and all others are
  /// answered.
  struct ManyPeersTests {
    /// Misbehaves as one of eight kinds of peer, without reading the answer.
    private func misbehave(_ client: FastCGIClient, _ number: Int) throws {
      switch number % 8 {
      case 0: break
      case 1: try client.send(bytes: Array("GET / HTTP/1.1\r\n\r\n".utf8))
      case 2: try client.send(bytes: [UInt8](repeating: 0xFF, count: 200))
      case 3: try client.begin()
      case 4: try client.stall(in: .parameters)
      case 5: try client.stall(in: .body)
      case 6:
        try client.begin(role: 2)
        try client.send(.parameters, [])
      default:
        try client.begin()
        try client.send(.parameters, [])
        try client.send(.abortRequest, [])
      }
    }

    @Test func thousandsOfPeersThatComeToNothingLeaveNothingBehind() async throws {
      let settings = exampleConfiguration(settings: "workers: 2")
      try await withResponder(configuration: settings) { responder in
        // Everything that is made once, workers included, exists before the measurement.
        for number in 0..<200 { try? misbehave(try responder.client(), number) }
        _ = try responder.deliver(authorization: try nowAuthorization(id: "first"))
        try await Task.sleep(for: .seconds(1))
        let before = try ProcessUsage(of: responder.process)
        for round in 0..<30 {
          for number in 0..<100 { try? misbehave(try responder.client(), number) }
          let response = try responder.deliver(authorization: try nowAuthorization(id: "\(round)"))
          #expect(response.status == 202)
          await Task.yield()
        }
        // The second worker may have opened its own two descriptors since.
        let isAsBefore = try await eventually {
          try ProcessUsage(of: responder.process).descriptors <= before.descriptors + 2
        }
        let after = try ProcessUsage(of: responder.process)
        #expect(isAsBefore, "\(before) \(after)")
        #expect(after.residentKiB < before.residentKiB + 2_048, "\(before) \(after)")
      }
    }

    /// The time of 50 deliveries, one after the other, each a new event.
    private func time(of round: String, _ responder: ResponderUnderTest) throws -> Duration {
      let start = ContinuousClock.now
      for number in 0..<50 {
        let token = try nowAuthorization(id: "\(round)-\(number)")
        #expect(try responder.deliver(authorization: token).status == 202)
      }
      return ContinuousClock.now - start
    }

    /// A worker that waited for one of them would wait for ten seconds: many times what all deliveries
    /// take alone.
    @Test func hundredsOfStalledPeersHoldUpNobody() async throws {
      let settings = exampleConfiguration(settings: "workers: 1")
      try await withResponder(configuration: settings) { responder in
        try await expectNoDelay { round in
          let before = try time(of: "before-\(round)", responder)
          let stalled = try (0..<400).map { number in
            let client = try responder.client()
            if number % 3 > 0 { try client.stall(in: number % 3 == 1 ? .parameters : .body) }
            return client
          }
          let among = try time(of: "among-\(round)", responder)
          for client in stalled { #expect(try await client.isClosedByPeer()) }
          return (among, alone: [before, try time(of: "after-\(round)", responder)])
        }
      }
    }

    /// Deliveries among stalled peers take not much longer than alone. A machine that halts for a
    /// moment does so in one round; a worker that waits for a peer does so in each.
    private func expectNoDelay(
      _ measure: (_ round: Int) async throws -> (among: Duration, alone: [Duration])?
    ) async throws {
      var slow: [(among: Duration, alone: [Duration])] = []
      var round = 0
      // A machine that is too busy for a round, or halts in it, says nothing.
      let isDecided = try await eventually {
        round += 1
        guard let times = try await measure(round) else { return false }
        guard times.among >= (times.alone.max() ?? .zero) * 10 else { return true }
        slow.append(times)
        return slow.count == 5
      }
      #expect(isDecided, "in \(round) rounds, the stalled requests never came in time")
      #expect(slow.count < 5, "stalled peers hold up others: \(slow)")
    }

    private func time(of round: String, _ server: WebServer) async throws -> Duration {
      let start = ContinuousClock.now
      for number in 0..<50 {
        let head = try await server.curl(
          "export", ["-X", "POST", "-d", "{}"] + server.signed(id: "\(round)-\(number)")
        ).head
        #expect(head.hasPrefix("HTTP/1.1 202"), "\(head)")
      }
      return ContinuousClock.now - start
    }

    /// The same through Apache, which has a worker of its own for each of them.
    @Test func hundredsOfStalledRequestsBehindApacheHoldUpNobody() async throws {
      let configuration = exampleConfiguration(settings: "workers: 1")
      try await withResponder(configuration: configuration) { responder in
        try await withApache(
          "proxy", configuration, in: responder.folder,
          settings: "ServerLimit 24\nThreadsPerChild 25\nMaxRequestWorkers 600"
        ) { server in
          try await expectNoDelay { round in try await times(of: round, responder, server) }
        }
      }
    }

    /// - Returns: nil if not all stalled requests came before the first one's ten seconds were over.
    private func times(
      of round: Int, _ responder: ResponderUnderTest, _ server: WebServer
    ) async throws -> (among: Duration, alone: [Duration])? {
      let before = try await time(of: "before-\(round)", server)
      let start = ContinuousClock.now
      let stalled = try (0..<400).map { _ in
        let client = try FastCGIClient(port: server.port)
        try client.send(
          bytes: Array(
            """
            POST /webhooks/delve/export HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r
            Authorization: Signed a.b.c\r\nX-Signature: ES512 /x\r\n\r\n{
            """.utf8))
        return client
      }
      var haveCome = false
      repeat {
        haveCome = try ProcessUsage(of: responder.process).descriptors >= 400
      } while !haveCome && ContinuousClock.now - start < .seconds(9)
      guard haveCome else { return nil }
      let among = try await time(of: "among-\(round)", server)
      // The responder ends them after ten seconds; Apache's own time limit is another matter.
      let haveEnded = try await eventually {
        try ProcessUsage(of: responder.process).descriptors < 50
      }
      #expect(haveEnded, "the stalled requests have not ended")
      withExtendedLifetime(stalled) {}
      return (among, alone: [before, try await time(of: "after-\(round)", server)])
    }

    @Test func deadlineCutsOffNobodyElsesConnection() async throws {
      try await withResponder { responder in
        var kept = try (0..<8).map { _ in
          (client: try responder.client(), used: ContinuousClock.now)
        }
        // Until the deadline of the first silent one has passed, and once more: descriptors are reused
        // while other connections are cut off.
        let firstSilent = try responder.client()
        var number = 0
        var roundsLeft = 10
        while roundsLeft > 0 {
          if firstSilent.isClosed { roundsLeft -= 1 }
          let silent = try (0..<20).map { _ in try responder.client() }
          for (offset, client) in silent.enumerated() { try? misbehave(client, offset) }
          number += 1
          for index in kept.indices {
            let token = try nowAuthorization(id: "\(index)-\(number)")
            do {
              let response = try kept[index].client.request(
                deliveryParameters(authorization: token), body: Array("{}".utf8),
                keepConnection: true)
              #expect(response.status == 202)
            } catch FastCGIClient.Failure.closed
              where ContinuousClock.now - kept[index].used > .seconds(9)
            {
              // On a busy machine, its own ten seconds were over.
              kept[index].client = try responder.client()
            }
            kept[index].used = .now
          }
          try await Task.sleep(for: .milliseconds(100))
        }
      }
    }

    @Test func thousandsOfConnectionsAtOnceAreAllAnswered() async throws {
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      let connections = min(4_000, Int(clamping: limit.rlim_max) / 2 - 500)
      try await withResponder { responder in
        let folder = responder.folder
        try await withNginx(
          before: responder, settings: "worker_rlimit_nofile \(2 * connections + 500);",
          serverSettings: "access_log \(folder.path)/access.log delve_webhook;", rate: "100000r/s"
        ) { server in
          func statuses() -> [Substring] {
            folder.text(of: "access.log").matches(of: #/1\.1" (\d+) /#).map(\.1)
          }
          let (report, isEnough) = try await server.load(connections: connections) {
            let statuses = statuses()
            return statuses.count >= connections
              && statuses.count { $0.hasPrefix("20") } >= connections / 2
          }
          #expect(isEnough && report.contains("\(connections) connections"), "\(report)")
          #expect(!report.contains("Socket errors"), "\(report)")
          // 499: wrk closed the connection, at the end.
          let others = statuses().filter { !["200", "202", "503", "499"].contains($0) }
          #expect(others == [])
          #expect(try await eventually { responder.healthStatus() == 200 })
        }
      }
    }
  }
}

/// The resources that a process uses (proc(5)).
private struct ProcessUsage {
  let descriptors: Int
  let residentKiB: Int

  init(of process: RunningProcess) throws {
    descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.id)/fd")
      .count
    let status = String(decoding: try fileBytes("/proc/\(process.id)/status"), as: UTF8.self)
    residentKiB = status.firstMatch(of: /VmRSS:\s+(\d+)/).flatMap { Int($0.1) } ?? 0
  }
}
