internal import CommandLineProgram
internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// The bytes of a file that was named on the command line, or of standard input. A pipe is waited for.
func inputContents(_ file: String?, maxBytes limit: Int = 1 << 20) throws(CommandError) -> [UInt8] {
  let name = printable(file ?? "standard input")
  if file == nil, isatty(STDIN_FILENO) == 1 {
    sayWaiting("for the text; Ctrl-D on a line of its own ends it")
  }
  let bytes: [UInt8]
  do throws(SystemError) {
    // What standard input is, this user might not be allowed to open again.
    bytes =
      if let file {
        try contents(ofFile: file, maxBytes: limit, isWaiting: true)
      } else {
        try contents(of: STDIN_FILENO, "", maxBytes: limit)
      }
  } catch {
    throw .noInput("\(name): \(error.reason)")
  }
  guard bytes.count <= limit else { throw .noInput("\(name): longer than \(limit) bytes") }
  return bytes
}
