package import ArgumentParser
internal import Glibc
internal import LinuxSystem

/// The name that the program was started by, without its folder.
package let programName =
  CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "delve-webhook"

/// Runs the command that the program's arguments name, and exits.
///
/// On the main thread: a command that blocks signals blocks them for the process, for other threads
/// come later, or block them already.
@MainActor
package func runProgram<Root: ParsableCommand>(_ root: Root.Type) async {
  openStandardDescriptors()
  // If a reader has gone, the write fails.
  signal(SIGPIPE, SIG_IGN)
  do {
    var command = try root.parseAsRoot()
    if var waiting = command as? any AsyncParsableCommand {
      try await waiting.run()
    } else {
      try command.run()
    }
  } catch {
    root.exit(withError: error)
  }
}
