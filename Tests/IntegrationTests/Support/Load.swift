internal import Glibc
internal import TestSupport
internal import Testing

/// These tests need the machine for themselves. `Tests/run` runs them after all others, one at a
/// time.
@Suite(.noHang, .serialized)
enum UnderLoad {}

/// Loads by wrk(1): 500 distinct deliveries, again and again.
extension WebServer {
  /// Runs `body` under load. Every delivery must be answered with 2xx.
  /// - Parameters:
  ///   - reusingConnections: if false, each request has a new connection.
  ///   - excused: how many may have got another answer, by a fault that is not the program's. Asked at
  ///     the end.
  ///   - body: returns the process that must live until the load has ended.
  func whileUnderLoad(
    reusingConnections: Bool = true, excused: () -> Int = { 0 },
    _ body: () async throws -> SpawnedProcess?
  ) async throws {
    let options = reusingConnections ? [] : ["-H", "Connection: close"]
    let load = try SpawnedProcess(
      "env", try wrk(connections: Self.connections, threads: 1, options),
      log: "\(folder.path)/wrk.log")
    let survivor = try await body()
    // The load goes on until it has shown something, however slow the machine is.
    let isEnough = try await eventually { storedEvents.count > 200 + Self.connections }
    load.send(signal: SIGINT)
    #expect(try await load.exitCode() == 0)
    withExtendedLifetime(survivor) {}
    let report = folder.text(of: "wrk.log")
    let requests = report.firstMatch(of: /(\d+) requests in/).flatMap { Int($0.1) } ?? 0
    #expect(isEnough && requests > 200, "\(report)")
    let refused =
      report.firstMatch(of: /Non-2xx or 3xx responses: (\d+)/).flatMap { Int($0.1) } ?? 0
    #expect(refused <= excused() && !report.contains("Socket errors"), "\(report)")
    // What was on its way when the load ended may be stored, and is not counted by wrk. After 500,
    // the deliveries come again: of the first ones, some may have been on their way all the time.
    let stored = storedEvents.count
    let least = min(500 - Self.connections, requests) - refused
    #expect(stored >= least && stored <= requests + Self.connections, "\(stored): \(report)")
  }

  private static let connections = 8

  /// Runs a load, with any answers, until `isEnough` holds.
  /// - Returns: the report of wrk, and whether it was enough.
  func load(
    connections: Int, until isEnough: () async throws -> Bool
  ) async throws -> (report: String, isEnough: Bool) {
    let load = try SpawnedProcess(
      "env", try wrk(connections: connections, threads: 2), log: "\(folder.path)/wrk.log")
    let isEnough = try await eventually(isEnough)
    load.send(signal: SIGINT)
    #expect(try await load.exitCode() == 0)
    return (folder.text(of: "wrk.log"), isEnough)
  }

  /// The arguments of env(1) that start wrk, for longer than any wait.
  private func wrk(
    connections: Int, threads: Int, _ options: [String] = []
  ) throws -> [String] {
    let tokens = try (0..<500).map { try nowAuthorization(id: "\($0)").dropFirst("Signed ".count) }
    try folder.write(Array(tokens.joined(separator: [0x0A])), to: "tokens")
    return [
      "DELVE_TOKENS=\(folder.path)/tokens", "DELVE_THREADS=\(threads)", "wrk",
      "-t", "\(threads)", "-c", "\(connections)", "-d", "1000", "--timeout", "1000",
      "-s", "\(Repository.root)/Tests/IntegrationTests/Support/deliveries.lua",
    ] + options + ["\(base)/export"]
  }
}
