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

    /// Returns the responder's calls for each of `requests` requests, the fewest of some rounds. They
    /// come one after the other, each on a connection of its own.
    private func calls(
      of request: @Sendable (ResponderUnderTest, Int) throws -> Int, answeredWith status: Int
    ) async throws -> [String: Double] {
      try await withResponder(configuration: exampleConfiguration(settings: "workers: 1")) {
        responder in
        // This request makes the calls that occur only once: for the first event of an hour, and by
        // the first worker.
        _ = try request(responder, 0)
        var fewest: [String: Double]?
        for round in 0..<Self.rounds {
          let calls = try await self.calls(
            of: { try request($0, round * Self.requests + $1) }, answeredWith: status, responder,
            round: round)
          fewest = (fewest ?? calls).reduce(into: [:]) {
            $0[$1.key] = min($1.value, calls[$1.key] ?? 0)
          }
        }
        return fewest ?? [:]
      }.0
    }

    private func calls(
      of request: (ResponderUnderTest, Int) throws -> Int, answeredWith status: Int,
      _ responder: ResponderUnderTest, round: Int
    ) async throws -> [String: Double] {
      let summary = "calls-\(round)"
      let log = "strace-\(round).log"
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
      for number in 1...Self.requests { #expect(try request(responder, number) == status) }
      strace.send(signal: SIGINT)
      _ = try await strace.exitCode()
      return responder.folder.text(of: summary).matches(of: /(?m)^ *([a-z0-9_]+) +(\d+)$/)
        .reduce(into: [:]) { $0[String($1.1)] = (Double($1.2) ?? 0) / Double(Self.requests) }
    }

    /// Calls that depend on time, not on requests, or on chance: the client decides whether a
    /// request arrives at once and in one piece.
    private static let others: Set = [
      "clock_nanosleep", "restart_syscall", "epoll_wait", "epoll_ctl", "futex", "accept4",
      "recvfrom", "read", "total",
    ]

    private func total(_ calls: [String: Double]) -> Double {
      calls.filter { !Self.others.contains($0.key) }.values.reduce(0, +)
    }

    @Test func storedEventTakesTheCallsOfTheProtocolAndFewMore() async throws {
      let calls = try await calls(
        of: { try $0.deliver(authorization: try nowAuthorization(id: "\($1)")).status },
        answeredWith: 202)
      // The protocol needs two syncs, two links and two looks into ids/.
      #expect(calls["fsync"] ?? 0 >= 2 && calls["fsync"] ?? 0 < 2.3, "\(calls)")
      #expect(calls["linkat"] == 2, "\(calls)")
      #expect(total(calls) <= 18.5, "\(total(calls)): \(calls)")
      #expect(calls["futex"] ?? 0 <= 6, "\(calls)")
    }

    @Test func duplicateTouchesNoDisk() async throws {
      let token = try nowAuthorization()
      let calls = try await calls(
        of: { responder, _ in try responder.deliver(authorization: token).status },
        answeredWith: 200)
      #expect(calls["fsync"] ?? 0 < 0.2, "\(calls)")
      #expect(calls["openat"] ?? 0 < 0.2, "\(calls)")
      #expect(total(calls) <= 6.5, "\(total(calls)): \(calls)")
    }

    @Test func healthCheckWritesNothing() async throws {
      let calls = try await calls(
        of: { responder, _ in responder.healthStatus() ?? 0 }, answeredWith: 200)
      for name in ["fsync", "linkat", "unlinkat", "mkdirat"] {
        #expect(calls[name] ?? 0 < 0.2, "\(name): \(calls)")
      }
      // The check looks at both folders and at the free space.
      #expect(calls["faccessat2"] ?? 0 >= 2 && calls["fstatfs"] ?? 0 >= 1, "\(calls)")
    }

    @Test func refusalLooksAtNoFile() async throws {
      let calls = try await calls(
        of: { responder, _ in try responder.deliver(authorization: nil).status }, answeredWith: 401)
      for name in ["fsync", "openat", "linkat", "faccessat2", "fstatfs"] {
        #expect(calls[name] ?? 0 < 0.2, "\(name): \(calls)")
      }
      #expect(total(calls) <= 5.5, "\(total(calls)): \(calls)")
    }
  }
}
