package import ArgumentParser
internal import LinuxSystem

/// The name that the program was started by, without its folder.
package let programName =
  commandLine().first?.split(separator: "/").last.map(String.init) ?? "delve-webhook"

/// Runs the command that the program's arguments name, and exits.
///
/// On the main thread: a command that blocks signals blocks them for the process, for other threads
/// come later, or block them already.
@MainActor
package func runProgram<Root: ParsableCommand>(_ root: Root.Type) async {
  prepareProcess()
  do {
    var command = try root.parseAsRoot(Array(commandLine().dropFirst()))
    if var waiting = command as? any AsyncParsableCommand {
      try await waiting.run()
    } else {
      try command.run()
    }
  } catch {
    root.exit(withError: error)
  }
}
