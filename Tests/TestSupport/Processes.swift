internal import Foundation
internal import Glibc
internal import LinuxSystem
internal import Subprocess

/// The end and the output of a program.
package struct CommandResult: Sendable {
  /// Minus the signal's number if one ended it.
  package let exitCode: Int32
  package let output: String
  package let errorOutput: String
}

/// A file without a name that holds `text`. Unlike a pipe it fails no write if the program ends
/// before it has read its input.
private func inputFile(_ text: String) throws -> FileDescriptor {
  let file = FileDescriptor(owning: open("/tmp", openTemporaryFile | O_RDWR | O_CLOEXEC, 0o600))
  try writeAll(Array(text.utf8), to: file.raw)
  return file
}

/// Runs a program to its end.
package func command(
  _ program: String, _ arguments: [String] = [], environment: [String: String] = [:],
  input: String = ""
) async throws -> CommandResult {
  let file = try inputFile(input)
  // The shell opens the input, and then becomes the program.
  let script = #"input=$1; shift; exec "$@" <"$input""#
  let path = "/proc/\(getpid())/fd/\(file.raw)"
  let result = try await run(
    .name("sh"), arguments: Arguments(["-c", script, "sh", path, program] + arguments),
    environment: inherited(and: environment),
    input: .none, output: .string(limit: 1 << 26), error: .string(limit: 1 << 26))
  withExtendedLifetime(file) {}
  return CommandResult(
    exitCode: exitCode(result.terminationStatus), output: result.standardOutput,
    errorOutput: result.standardError)
}

/// A program that runs beside a test.
package struct RunningProcess: Sendable {
  package let id: Int32

  package func send(signal: Int32) { kill(id, signal) }

  /// Whether it has ended, also if nobody has asked for its exit code yet.
  package var hasEnded: Bool {
    (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8))?.contains(") Z ") ?? true
  }
}

/// Runs `body` beside a program, whose standard error goes to the file `log`. Then ends the program
/// with SIGTERM if it has not ended by itself.
/// - Returns: the body's result and the program's exit code, minus the signal if one ended it.
package func withProcess<Result: Sendable>(
  _ program: String, _ arguments: [String], environment: [String: String] = [:], log: String,
  _ body: @Sendable (RunningProcess) async throws -> Result
) async throws -> (Result, exitCode: Int32) {
  // The shell opens the log, and then becomes the program.
  let script = #"log=$1; shift; exec "$@" 2>>"$log" </dev/null"#
  let result = try await run(
    .name("sh"), arguments: Arguments(["-c", script, "sh", log, program] + arguments),
    environment: inherited(and: environment), input: .none, output: .discarded, error: .discarded
  ) { execution in
    let process = RunningProcess(id: execution.processIdentifier.value)
    defer { process.send(signal: SIGTERM) }
    return try await body(process)
  }
  return (result.closureResult, exitCode(result.terminationStatus))
}

private func inherited(and variables: [String: String]) -> Subprocess.Environment {
  let pairs = variables.compactMap { name, value in
    Environment.Key(rawValue: name).map { ($0, value) }
  }
  // No proxy of the machine's leads away from the servers of the tests.
  return .inherit.updating(["no_proxy": "*"])
    .updating(Dictionary(uniqueKeysWithValues: pairs))
}

private func exitCode(_ status: TerminationStatus) -> Int32 {
  switch status {
  case .exited(let code): code
  case .signaled(let signal): -signal
  }
}
