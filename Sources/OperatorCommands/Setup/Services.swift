internal import CommandLineProgram
internal import Glibc

/// The units that serve an instance's hooks, as far as systemd runs here.
struct Services {
  private struct Unit {
    let name: String
    /// As systemctl(1) puts them: `enabled`, `disabled` …; `active`, `failed` …
    let enablement, state: String

    var isWanted: Bool { ["active", "activating", "reloading"].contains(state) }
  }

  private let served: ServedBy
  private let socket, responder: Unit
  private let beginning = time(nil)
  /// What `apply` has come to.
  private var hasBegun = false, areUnitsChanged = false

  /// Nil: systemd does not run here.
  init?(_ served: ServedBy) async throws {
    guard access("/run/systemd/system", F_OK) == 0 else { return nil }
    self.served = served
    socket = try await Self.unit("delve-webhook.socket")
    responder = try await Self.unit("delve-webhook.service")
  }

  private static func unit(_ name: String) async throws -> Unit {
    Unit(
      name: name, enablement: try await finishedRun("systemctl", ["is-enabled", name]).output,
      state: try await finishedRun("systemctl", ["is-active", name]).output)
  }

  /// Lets the units serve what is configured now.
  /// - Parameter areUnitsChanged: they are read again, and what runs is started again.
  mutating func apply(areUnitsChanged: Bool) async throws {
    hasBegun = true
    // What an earlier run that was killed has not come to is done, too.
    let areOld =
      try await finishedRun(
        "systemctl", ["show", "--property=NeedDaemonReload", "--value", responder.name]
      ).output == "yes"
    self.areUnitsChanged = areUnitsChanged || areOld
    if self.areUnitsChanged {
      try await systemctl("daemon-reload")
      try await systemctl("try-restart", "delve-webhook-*.service")
    }
    guard served.hasService else {
      return try await systemctl("disable", "--now", socket.name, responder.name)
    }
    try await systemctl("enable", "--now", socket.name)
    // A responder that runs reads configuration and keys again; another one starts.
    try await systemctl(self.areUnitsChanged ? "restart" : "reload-or-restart", responder.name)
  }

  /// Lets the units be as they were, once their files are.
  func restore() async {
    guard hasBegun else { return }
    var steps: [[String]] = areUnitsChanged ? [["daemon-reload"]] : []
    // The service's unit enables and disables the socket, too: so the socket comes last.
    if responder.enablement == "enabled" { steps.append(["enable", responder.name]) }
    switch socket.enablement {
    case "enabled": steps.append(["enable", socket.name])
    case "disabled": steps.append(["disable", socket.name])
    default: break
    }
    if !responder.isWanted { steps.append(["stop", responder.name]) }
    steps.append([socket.isWanted ? "start" : "stop", socket.name])
    if responder.isWanted {
      steps.append([
        areUnitsChanged ? "restart" : "reload-or-restart", "--no-block", responder.name,
      ])
    }
    if areUnitsChanged { steps.append(["try-restart", "delve-webhook-*.service"]) }
    for unit in [socket, responder] where unit.state == "inactive" {
      steps.append(["reset-failed", unit.name])
    }
    for step in steps {
      let result = try? await finishedRun("systemctl", ["--quiet"] + step)
      // A unit that never failed has nothing to be reset.
      if result?.isSuccess != true, step[0] != "reset-failed" {
        printError(
          "\(programName): not restored: systemctl \(step.joined(separator: " ")): "
            + (result?.output ?? "it cannot be run"))
      }
    }
  }

  private func systemctl(_ arguments: String...) async throws {
    let result = try await finishedRun("systemctl", arguments)
    guard !result.isSuccess else { return }
    let log = try? await finishedRun(
      "journalctl",
      [
        "--no-pager", "--quiet", "--output=cat", "--lines=6", "--since=@\(beginning)",
        "--unit=delve-webhook*",
      ])
    throw CommandError.unavailable(
      "systemctl \(arguments.joined(separator: " ")): \(result.output)\n\(log?.output ?? "")")
  }
}
