internal import CommandLineProgram
internal import Glibc
internal import Subprocess
internal import WebhookCore

/// The user that a responder runs as.
struct ServiceUser {
  let name: String
  let id: uid_t
  let group: gid_t

  /// The first of these users that there is.
  init(firstOf names: [String]) throws(CommandError) {
    for name in names {
      guard let entry = getpwnam(name)?.pointee else { continue }
      self.name = name
      (id, group) = (entry.pw_uid, entry.pw_gid)
      return
    }
    throw .configuration(
      "there is no user \(names.joined(separator: ", nor ")): install the package, or the web server"
    )
  }

  /// Runs `delve-webhook config check` as this user.
  /// - Throws: what it finds wrong.
  func checkConfiguration(_ path: String) async throws {
    let program = try "\(installationPrefix())/bin/delve-webhook"
    let check = try await finishedRun(
      "runuser", ["-u", name, "--", program, "config", "check", "--config", path])
    guard check.isSuccess else {
      throw CommandError.configuration("checked as the user \(name): \(check.output)")
    }
    for line in check.output.split(separator: "\n") where line.hasPrefix("warning: ") {
      printError(String(line))
    }
  }
}

/// What a program that was run has to say, on standard output and error.
struct FinishedRun {
  let isSuccess: Bool
  let output: String
}

/// Runs a program that is on the PATH, to its end.
func finishedRun(_ name: String, _ arguments: [String]) async throws -> FinishedRun {
  do {
    let result = try await run(
      .name(name), arguments: Arguments(arguments), output: .string(limit: 1 << 16),
      error: .string(limit: 1 << 16))
    let output = (result.standardOutput + result.standardError).split(separator: "\n")
    return FinishedRun(
      isSuccess: result.terminationStatus.isSuccess, output: output.joined(separator: "\n"))
  } catch let error as SubprocessError where error.code == .executableNotFound {
    throw CommandError.unavailable("\(name) is not on the PATH: run this as root, as `su -` has it")
  }
}
