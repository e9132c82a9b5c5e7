internal import Foundation
internal import Glibc
internal import Synchronization
internal import TestSupport
internal import Testing

/// A PostgreSQL server of a test's own, on a unix socket, as a user without rights.
final class PostgreSQLServer: Sendable {
  private let folder: TemporaryFolder
  private let settings: [String]
  private let process = Mutex<SpawnedProcess?>(nil)

  /// Makes a database cluster and starts its server.
  init(encoding: String = "UTF8", settings: [String] = []) async throws {
    folder = try TemporaryFolder()
    self.settings = settings
    try await makeData(
      with: "initdb",
      ["-U", "delve", "-A", "trust", "-E", encoding, "--locale", "C", "--no-sync"])
  }

  /// Makes a copy of `primary`, which follows it from then on.
  init(standbyOf primary: PostgreSQLServer) async throws {
    folder = try TemporaryFolder()
    settings = primary.settings
    try await makeData(
      with: "pg_basebackup",
      ["-h", primary.folder.path, "-U", "delve", "-R", "-c", "fast", "--no-sync"])
  }

  private func makeData(with name: String, _ options: [String]) async throws {
    try await Self.giveToUnprivilegedUser(folder.path)
    let made = try await command(
      "env", try program(name) + ["-D", "\(folder.path)/data"] + options)
    #expect(made.exitCode == 0, "\(made)")
    try await start()
  }

  /// The folder of its socket.
  var socketFolder: String { folder.path }

  /// Gives the file to the server's user.
  static func giveToUnprivilegedUser(_ path: String) async throws {
    guard getuid() == 0 else { return }
    #expect(try await command("chown", ["nobody", path]).exitCode == 0)
  }

  /// Begins a command that a user without rights shall run, because the server and the pooler
  /// refuse to run as root.
  static let asUnprivilegedUser =
    getuid() == 0
    ? ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"] : []

  private func program(_ name: String) throws -> [String] {
    let folders = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")
    let version = try #require(folders.sorted().last)
    return Self.asUnprivilegedUser + ["/usr/lib/postgresql/\(version)/bin/\(name)"]
  }

  func start() async throws {
    var isUp = false
    // After a kill, the old server's children have to end first.
    for _ in 0..<20 where !isUp {
      let arguments =
        try program("postgres")
        + ["-D", "\(folder.path)/data", "-k", folder.path, "-c", "listen_addresses="]
        + settings.flatMap { ["-c", $0] }
      // A server that is killed leaves its shared memory behind, of which a machine has not much.
      let started = try SpawnedProcess(
        "env", arguments, log: "\(folder.path)/log", endingSignal: SIGQUIT)
      process.withLock { $0 = started }
      isUp = try await eventually {
        try await isReady() || started.running.hasEnded
      }
      isUp = try await isReady()
    }
    #expect(isUp, "\(folder.text(of: "log"))")
  }

  private func isReady() async throws -> Bool {
    try await command("pg_isready", ["-q", "-h", folder.path]).exitCode == 0
  }

  /// Ends the server as a crash of the machine's memory would: the postmaster at once, its children
  /// after it.
  func killHard() async throws {
    let running = process.withLock { $0.take() }
    running?.send(signal: SIGKILL)
    _ = try await running?.exitCode()
  }

  /// Requires a password of `role`. All other roles need none.
  func askForPasswordOf(_ role: String) async throws {
    try folder.write(
      "local all \(role) scram-sha-256\nlocal all all trust\n".utf8, to: "data/pg_hba.conf")
    try await sql("SELECT pg_reload_conf()")
  }

  func uri(user: String = "delve", _ parameters: String...) -> String {
    (["postgresql:///postgres?host=\(folder.path)&user=\(user)"] + parameters)
      .joined(separator: "&")
  }

  /// Returns the output of psql(1), unaligned and without headings.
  @discardableResult
  func sql(_ statement: String) async throws -> String {
    let result = try await command(
      "psql", ["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", uri(), "-c", statement])
    #expect(result.exitCode == 0, "\(result.errorOutput)")
    return result.output.trimmingCharacters(in: .newlines)
  }

  /// Changes the server's configuration while it runs.
  func set(_ setting: String, to value: String) async throws {
    try await sql("ALTER SYSTEM SET \(setting) = '\(value)'")
    try await sql("SELECT pg_reload_conf()")
    #expect(try await eventually { try await sql("SHOW \(setting)") == value })
  }

  /// The number of forwarders' sessions for which `condition` holds.
  func sessions(where condition: String) async throws -> Int {
    let count = try await sql(
      """
      SELECT count(*) FROM pg_stat_activity
      WHERE application_name = 'delve-webhook-forward' AND \(condition)
      """)
    return Int(count) ?? -1
  }

  /// Starts a session that lasts until the returned process ends.
  func session(_ statements: String) throws -> SpawnedProcess {
    try SpawnedProcess(
      "psql",
      ["-qAtX", "-d", uri()] + statements.split(separator: ";").flatMap { ["-c", "\($0)"] },
      log: "\(folder.path)/session.log")
  }

  func sessionOutput() -> String { folder.text(of: "session.log") }

  /// The number of events in the table.
  func count() async throws -> Int { Int(try await sql("SELECT count(*) FROM delve_event")) ?? -1 }
}
