internal import CommandLineProgram
internal import Glibc

/// The units that serve an instance's hooks, as far as systemd runs here.
struct Services {
  private static let socket = "delve-webhook.socket"
  private static let responder = "delve-webhook.service"

  private let served: ServedBy
  private let isSocketEnabled, isSocketActive, isResponderActive: Bool

  /// Nil: systemd does not run here.
  init?(_ served: ServedBy) async throws {
    guard access("/run/systemd/system", F_OK) == 0 else { return nil }
    self.served = served
    isSocketEnabled = try await Self.says("is-enabled", Self.socket)
    isSocketActive = try await Self.says("is-active", Self.socket)
    isResponderActive = try await Self.says("is-active", Self.responder)
  }

  /// Lets the units serve what is configured now.
  /// - Parameters:
  ///   - areUnitsChanged: they are read again, and what runs is started again.
  ///   - isConfigurationChanged: a running responder reads it.
  func apply(areUnitsChanged: Bool, isConfigurationChanged: Bool) async throws {
    if areUnitsChanged {
      try await systemctl("daemon-reload")
      try await systemctl("try-restart", "delve-webhook-*.service")
    }
    guard served.hasService else {
      return try await systemctl("disable", "--now", Self.socket, Self.responder)
    }
    try await systemctl("enable", "--now", Self.socket)
    let verb =
      areUnitsChanged ? "restart" : isConfigurationChanged ? "reload-or-restart" : "start"
    try await systemctl(verb, Self.responder)
  }

  /// Lets the units be as they were, once their files are.
  /// - Parameter areUnitsChanged: as for `apply`.
  func restore(areUnitsChanged: Bool) async {
    var steps: [[String]] = areUnitsChanged ? [["daemon-reload"]] : []
    if !isResponderActive { steps.append(["stop", Self.responder]) }
    if !isSocketActive { steps.append(["stop", Self.socket]) }
    if isSocketActive { steps.append(["start", Self.socket]) }
    if isSocketEnabled { steps.append(["enable", Self.socket]) }
    if !isSocketEnabled { steps.append(["disable", Self.socket]) }
    if isResponderActive { steps.append(["restart", Self.responder]) }
    if areUnitsChanged { steps.append(["try-restart", "delve-webhook-*.service"]) }
    steps.append(["reset-failed", "delve-webhook*"])
    for step in steps { _ = try? await finishedRun("systemctl", ["--quiet"] + step) }
  }

  private static func says(_ verb: String, _ unit: String) async throws -> Bool {
    try await finishedRun("systemctl", ["--quiet", verb, unit]).isSuccess
  }

  private func systemctl(_ arguments: String...) async throws {
    let result = try await finishedRun("systemctl", arguments)
    guard !result.isSuccess else { return }
    let log = try? await finishedRun(
      "journalctl",
      ["--no-pager", "--quiet", "--output=cat", "--lines=4"]
        + [Self.socket, Self.responder].map { "--unit=\($0)" })
    throw CommandError.unavailable(
      "systemctl \(arguments.joined(separator: " ")): \(result.output)\n\(log?.output ?? "")")
  }
}
