internal import Glibc
internal import LinuxSystem

/// Why a configuration cannot be used: file, line and key, what was found, what is allowed.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  package let file: String
  /// Counted from 1; nil: the whole file.
  package let line: Int?
  package let message: String
  /// Whether the file could not be read at all.
  package let isUnread: Bool
  /// Whether there is no such file.
  let isMissing: Bool

  init(
    file: String, line: Int?, message: String, isUnread: Bool = false, isMissing: Bool = false
  ) {
    (self.file, self.line, self.message) = (file, line, message)
    (self.isUnread, self.isMissing) = (isUnread, isMissing)
  }

  /// The same, with what else is to be known.
  func adding(_ sentence: String) -> ConfigurationError {
    ConfigurationError(
      file: file, line: line, message: "\(message); \(sentence)", isUnread: isUnread,
      isMissing: isMissing)
  }

  /// `FILE:LINE: MESSAGE`, as compilers write it.
  package var description: String {
    "\(file):\(line.map { "\($0): " } ?? " ")\(message)"
  }
}

/// The bytes of a file that belongs to the configuration.
func fileContents(_ path: String) throws(ConfigurationError) -> [UInt8] {
  let limit = 1 << 20
  let bytes: [UInt8]
  do throws(SystemError) {
    bytes = try contents(ofFile: path, maxBytes: limit)
  } catch {
    let remedy =
      switch error.errno {
      case EACCES: ": let the user that runs this read it, and look into its folders"
      default: ""
      }
    throw ConfigurationError(
      file: path, line: nil, message: error.reason + remedy, isUnread: true,
      isMissing: error.errno == ENOENT)
  }
  guard bytes.count <= limit else {
    throw ConfigurationError(
      file: path, line: nil, message: "longer than \(limit) bytes", isUnread: true)
  }
  return bytes
}
