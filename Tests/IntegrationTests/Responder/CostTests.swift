internal import Glibc
internal import TestSupport
internal import Testing

extension UnderLoad {
  /// The cost of a request, in numbers that are the same on every machine: system calls, counted by
  /// strace(1). If a change needs one more, it says why, and changes the number here.
  struct CostTests {
    private static let requests = 50

    /// Every ten seconds or more the folders are looked through: not in each of these.
    private static let rounds = 3

    /// Calls for each request, and those that the responder makes by itself in the same time, for
    /// they are more on a slow machine.
    private struct Cost {
      var calls: [String: Double]
      var ownCalls: [String: Double]

      func most(_ name: String, _ limit: Double) -> Bool {
        calls[name] ?? 0 <= limit + (ownCalls[name] ?? 0)
      }

      /// All calls but `others`.
      func mostInAll(_ limit: Double) -> Bool { Cost.total(calls) <= limit + Cost.total(ownCalls) }

      private static func total(_ calls: [String: Double]) -> Double {
        calls.filter { !CostTests.others.contains($0.key) }.values.reduce(0, +)
      }
    }

    /// The responder's calls for each of `requests` requests, the fewest of some rounds. They come one
    /// after the other, each on a connection of its own.
    private func cost(
      of request: @Sendable (ResponderUnderTest, Int) throws -> Int, answeredWith status: Int
    ) async throws -> Cost {
      try await withResponder(configuration: exampleConfiguration(settings: "workers: 1")) {
        responder in
        // This request makes the calls that occur only once: for the first event of an hour, and by
        // the first worker.
        _ = try request(responder, 0)
        let (idle, idleSeconds) = try await trace(responder, "idle") {
          try await Task.sleep(for: .seconds(3))
        }
        var fewest: [String: Double]?
        var longest = 0.0
        for round in 0..<Self.rounds {
          let (calls, seconds) = try await trace(responder, "\(round)") { () async throws in
            for number in 1...Self.requests {
              #expect(try request(responder, round * Self.requests + number) == status)
            }
          }
          fewest = (fewest ?? calls).reduce(into: [:]) {
            $0[$1.key] = min($1.value, calls[$1.key] ?? 0)
          }
          longest = max(longest, seconds)
        }
        var ownCalls = idle.mapValues { $0 / idleSeconds * longest }
        // Once a second it syncs the folders in ids/ that have changed: not while it is idle.
        ownCalls["fsync", default: 0] += longest
        return Cost(
          calls: (fewest ?? [:]).mapValues { $0 / Double(Self.requests) },
          ownCalls: ownCalls.mapValues { $0 / Double(Self.requests) })
      }.0
    }

    /// Counts the responder's calls while `body` runs.
    private func trace(
      _ responder: ResponderUnderTest, _ name: String, _ body: () async throws -> Void
    ) async throws -> (calls: [String: Double], seconds: Double) {
      let (summary, log) = ("calls-\(name)", "strace-\(name).log")
      let strace = try SpawnedProcess(
        "strace",
        [
          "-f", "-c", "-U", "name,calls", "-o", "\(responder.folder.path)/\(summary)", "-p",
          "\(responder.process.id)",
        ],
        log: "\(responder.folder.path)/\(log)")
      #expect(
        try await eventually {
          responder.folder.text(of: log).contains("attached")
        })
      let start = ContinuousClock.now
      try await body()
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      strace.send(signal: SIGINT)
      _ = try await strace.exitCode()
      let calls = responder.folder.text(of: summary).matches(of: /(?m)^ *([a-z0-9_]+) +(\d+)$/)
        .reduce(into: [:]) { $0[String($1.1)] = Double($1.2) ?? 0 }
      #expect(calls["total"] != nil, "strace has counted nothing: see \(summary)")
      return (calls, seconds)
    }

    /// Calls that depend on time, not on requests, or on chance: the client decides whether a
    /// request arrives at once and in one piece.
    private static let others: Set = [
      "clock_nanosleep", "restart_syscall", "epoll_wait", "epoll_ctl", "futex", "accept4",
      "recvfrom", "read", "total",
    ]

    @Test func storedEventTakesTheCallsOfTheProtocolAndFewMore() async throws {
      let cost = try await cost(
        of: { try $0.deliver(authorization: try nowAuthorization(id: "\($1)")).status },
        answeredWith: 202)
      // The protocol needs two syncs, two links and two looks into ids/.
      #expect(cost.calls["fsync"] ?? 0 >= 2 && cost.most("fsync", 2.3), "\(cost)")
      #expect(cost.calls["linkat"] == 2, "\(cost)")
      #expect(cost.mostInAll(18.5), "\(cost)")
      #expect(cost.most("futex", 6), "\(cost)")
    }

    @Test func duplicateTouchesNoDisk() async throws {
      let token = try nowAuthorization()
      let cost = try await cost(
        of: { responder, _ in try responder.deliver(authorization: token).status },
        answeredWith: 200)
      #expect(cost.most("fsync", 0.2), "\(cost)")
      #expect(cost.most("openat", 0.2), "\(cost)")
      #expect(cost.mostInAll(6.5), "\(cost)")
    }

    @Test func healthCheckWritesNothing() async throws {
      let cost = try await cost(
        of: { responder, _ in responder.healthStatus() ?? 0 }, answeredWith: 200)
      for name in ["fsync", "linkat", "unlinkat", "mkdirat"] {
        #expect(cost.most(name, 0.2), "\(name): \(cost)")
      }
      // The check looks at both folders and at the free space.
      #expect(
        cost.calls["faccessat2"] ?? 0 >= 2 && cost.calls["fstatfs"] ?? 0 >= 1, "\(cost)")
    }

    @Test func refusalLooksAtNoFile() async throws {
      let cost = try await cost(
        of: { responder, _ in try responder.deliver(authorization: nil).status }, answeredWith: 401)
      for name in ["fsync", "openat", "linkat", "faccessat2", "fstatfs"] {
        #expect(cost.most(name, 0.2), "\(name): \(cost)")
      }
      #expect(cost.mostInAll(5.5), "\(cost)")
    }
  }
}
