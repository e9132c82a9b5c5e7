package import ArgumentParser
internal import Glibc
internal import LinuxSystem

/// The name that the program was started by, without its folder.
package let programName =
  commandLine().first?.split(separator: "/").last.map(String.init) ?? "delve-webhook"

/// Runs the command that the program's arguments name, and exits.
///
/// On the main thread: a command that blocks signals blocks them for the process, for other threads
/// come later, or block them already.
/// - Parameter report: says in a form of its own that the command line is wrong, and returns the exit
///   code; nil if it is to be said as usual.
@MainActor
package func runProgram<Root: ParsableCommand>(
  _ root: Root.Type,
  reportingWrongUsage report: (_ arguments: [String], _ message: String) -> Int32? = { _, _ in nil }
) async {
  prepareProcess()
  let arguments = Array(commandLine().dropFirst())
  do {
    var command = try root.parseAsRoot(arguments)
    if var waiting = command as? any AsyncParsableCommand {
      try await waiting.run()
    } else {
      try command.run()
    }
  } catch {
    let code = root.exitCode(for: error).rawValue
    if code == EX_USAGE, let code = report(arguments, root.message(for: error)) { exit(code) }
    let message = root.fullMessage(for: error)
    // A command that has printed its error leaves no message.
    if message.isEmpty { exit(code) }
    // A help, a version, a script for a shell.
    if code == EXIT_SUCCESS {
      printResult(message)
      exit(code)
    }
    guard code == EX_USAGE else { root.exit(withError: error) }
    let answer = UsageError(
      of: root, arguments, message: message, columns: terminalColumns(STDERR_FILENO))
    printError(answer.text)
    exit(EX_USAGE)
  }
}
