internal import Glibc

/// Asks at the terminal, unless the operator has said yes already.
/// - Parameter question: without its question mark.
/// - Throws: if there is nobody to ask.
package func isConfirmed(_ question: String, yes: Bool) throws(CommandError) -> Bool {
  if yes { return true }
  guard isatty(STDIN_FILENO) == 1 else {
    throw .usage("\(question)? There is no terminal to ask at: pass --yes")
  }
  printError("\(question)? [y/N]")
  return ["y", "yes"].contains(readLine()?.lowercased())
}
