internal import TestSupport

/// `delve-webhook-forward` on a site's spool.
extension SpoolSite {
  private var forwarder: String { Repository.executable("delve-webhook-forward") }

  func forward(to target: String, _ options: String...) async throws -> CommandResult {
    try await forward(to: target, options: options)
  }

  func forward(to target: String, options: [String]) async throws -> CommandResult {
    try await command(forwarder, ["--spool", "\(path)/spool", "--to", target] + options)
  }

  /// Starts a forwarder beside the test, with `--follow`. Its log is `forward.log`.
  func startForwarder(to target: String, _ options: String...) throws -> SpawnedProcess {
    try startForwarder(to: target, options: options)
  }

  func startForwarder(to target: String, options: [String]) throws -> SpawnedProcess {
    try SpawnedProcess(
      forwarder, ["--spool", "\(path)/spool", "--follow", "--to", target] + options,
      log: "\(path)/forward.log")
  }

  /// The number of events in a folder of `acme`.
  func count(_ state: String) -> Int {
    files("spool/acme/\(state)").count { $0.hasSuffix(".json") }
  }
}
