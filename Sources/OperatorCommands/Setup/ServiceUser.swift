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
  /// Its lines, printable.
  let output: String
}

/// Runs a program that is on the PATH, to its end. Signals of the terminal do not reach it: what it
/// does is not to end half way.
func finishedRun(_ name: String, _ arguments: [String]) async throws -> FinishedRun {
  do {
    var options = PlatformOptions()
    options.processGroupID = 0
    let result = try await run(
      .name(name), arguments: Arguments(arguments), platformOptions: options,
      output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
    guard case .exited = result.terminationStatus else {
      throw CommandError.system("\(name) was ended by a signal")
    }
    let output = (result.standardOutput + result.standardError).split(separator: "\n")
    return FinishedRun(
      isSuccess: result.terminationStatus.isSuccess,
      output: output.map { printable(String($0)) }.joined(separator: "\n"))
  } catch let error as SubprocessError where error.code == .executableNotFound {
    throw CommandError.unavailable("\(name) is not on the PATH: run this as root, as `su -` has it")
  } catch let error as SubprocessError {
    throw CommandError.system("\(name) cannot be run: \(printable("\(error)"))")
  }
}
