/// Why a configuration cannot be used: file, line and key, what was found, what is allowed.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  package let file: String
  /// Counted from 1; nil where the whole file is meant.
  package let line: Int?
  package let message: String

  /// `FILE:LINE: MESSAGE`, as compilers write it.
  package var description: String {
    "\(file):\(line.map { "\($0): " } ?? " ")\(message)"
  }
}
