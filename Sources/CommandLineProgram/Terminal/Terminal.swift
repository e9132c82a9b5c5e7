internal import Glibc

/// Whether a person sees what is written to standard error.
package let isErrorTerminal = isatty(STDERR_FILENO) == 1

/// The width of the terminal that the descriptor is, just now. Nil if it is none, or does not say.
package func terminalColumns(_ descriptor: Int32) -> Int? {
  var size = winsize()
  guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
  return Int(size.ws_col)
}
