internal import TestSupport
internal import Testing

/// A PgBouncer that gives each transaction the only session that it has with a server.
final class PgBouncer: Sendable {
  private let folder: TemporaryFolder
  private let process: SpawnedProcess

  init(to server: PostgreSQLServer) async throws {
    folder = try TemporaryFolder()
    try await PostgreSQLServer.giveToUnprivilegedUser(folder.path)
    let settings = try folder.write(
      """
      [databases]
      postgres = host=\(server.socketFolder) user=delve
      [pgbouncer]
      unix_socket_dir = \(folder.path)
      auth_type = any
      pool_mode = transaction
      default_pool_size = 1

      """.utf8, to: "pgbouncer.ini")
    process = try SpawnedProcess(
      "env", PostgreSQLServer.asUnprivilegedUser + ["pgbouncer", settings],
      log: "\(folder.path)/log")
    #expect(
      try await eventually {
        try await command("pg_isready", ["-q", "-p", "6432", "-h", folder.path]).exitCode == 0
      }, "\(folder.text(of: "log"))")
  }

  var uri: String { "postgresql:///postgres?host=\(folder.path)&port=6432&user=delve" }

  /// Returns the output of psql(1), of one more client.
  func sql(_ statement: String) async throws -> String {
    let result = try await command("psql", ["-qAtX", "-d", uri, "-c", statement])
    #expect(result.exitCode == 0, "\(result.errorOutput)")
    return String(result.output.dropLast())
  }
}
