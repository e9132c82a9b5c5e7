internal import Glibc

/// Whether a person sees what is written to standard error.
package let isErrorTerminal = isatty(STDERR_FILENO) == 1

/// Whether a person sees what is written to standard output.
package let isOutputTerminal = isatty(STDOUT_FILENO) == 1

/// How wide a terminal is taken for that does not say.
package let defaultColumns = 80

/// The width of the terminal that the descriptor is, just now. Nil if it is none, or does not say.
package func terminalColumns(_ descriptor: Int32) -> Int? {
  var size = winsize()
  guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
  return Int(size.ws_col)
}
