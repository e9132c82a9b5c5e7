internal import Glibc
internal import TestSupport
internal import Testing

/// These tests need the machine for themselves. `Tests/run` runs them after all others, one at a
/// time.
@Suite(.timeLimit(.minutes(15)), .serialized)
enum UnderLoad {}

/// Loads by wrk(1): 500 distinct deliveries, again and again.
extension WebServer {
  /// Runs `body` under load. Every delivery must be answered with 2xx.
  /// - Parameters:
  ///   - reusingConnections: if false, each request has a new connection.
  ///   - body: returns the process that must live until the load has ended.
  func whileUnderLoad(
    reusingConnections: Bool = true, _ body: () async throws -> SpawnedProcess?
  ) async throws {
    let options = reusingConnections ? [] : ["-H", "Connection: close"]
    let load = try SpawnedProcess(
      "env", try wrk(connections: 8, threads: 1, seconds: 100, options),
      log: "\(folder.path)/wrk.log")
    let survivor = try await body()
    // The load goes on until it has shown something, however slow the machine is.
    let isEnough = try await eventually(seconds: 60) { storedEvents.count > 200 }
    load.send(signal: SIGINT)
    #expect(try await load.exitCode() == 0)
    withExtendedLifetime(survivor) {}
    let report = folder.text(of: "wrk.log")
    let requests = report.firstMatch(of: /(\d+) requests in/).flatMap { Int($0.1) } ?? 0
    #expect(isEnough && requests > 200, "\(report)")
    #expect(!report.contains("Non-2xx") && !report.contains("Socket errors"), "\(report)")
    #expect(storedEvents.count == min(500, requests), "\(report)")
  }

  /// Runs a load for some time, with any answers.
  /// - Returns: the report of wrk.
  func load(connections: Int, seconds: Int) async throws -> String {
    try await command("env", try wrk(connections: connections, threads: 2, seconds: seconds)).output
  }

  /// The arguments of env(1) that start wrk.
  private func wrk(
    connections: Int, threads: Int, seconds: Int, _ options: [String] = []
  ) throws -> [String] {
    let tokens = try (0..<500).map { try nowAuthorization(id: "\($0)").dropFirst("Signed ".count) }
    try folder.write(Array(tokens.joined(separator: [0x0A])), to: "tokens")
    return [
      "DELVE_TOKENS=\(folder.path)/tokens", "DELVE_THREADS=\(threads)", "wrk",
      "-t", "\(threads)", "-c", "\(connections)", "-d", "\(seconds)", "--timeout", "30",
      "-s", "\(Repository.root)/Tests/IntegrationTests/Support/deliveries.lua",
    ] + options + ["\(base)/export"]
  }
}
