internal import CLinux

/// The environment as it was when the process started, read before the first thread.
package struct Environment: Sendable {
  /// `NAME=VALUE` each, byte for byte: a value need not be UTF-8.
  package let entries: [[UInt8]]

  package init(variables: [String: String]) {
    entries = variables.map { Array("\($0)=\($1)".utf8) }
  }

  private init(entries: [[UInt8]]) {
    self.entries = entries
  }

  package static func ofProcess() -> Environment {
    Environment(entries: copies(ofCStrings: rawEnvironment()))
  }

  package subscript(name: String) -> String? {
    bytes(of: name).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The variable's value, byte for byte. If it is there twice, the first one, as getenv(3) has it.
  package func bytes(of name: String) -> ArraySlice<UInt8>? {
    let start = Array("\(name)=".utf8)
    return entries.first { $0.starts(with: start) }?.dropFirst(start.count)
  }

  /// Without the variables of these names.
  package func without(_ names: [String]) -> Environment {
    let starts = names.map { Array("\($0)=".utf8) }
    return Environment(
      entries: entries.filter { entry in !starts.contains { entry.starts(with: $0) } })
  }
}

/// The program's name and its arguments. The runtime would look for them below the environment,
/// where they are not if a preloaded library has moved that.
package func commandLine() -> [String] {
  commandLineBytes().map { String(decoding: $0, as: UTF8.self) }
}

/// The same, byte for byte: an argument need not be UTF-8.
package func commandLineBytes() -> [[UInt8]] { copies(ofCStrings: clinux_arguments()) }

/// The environment itself: `NAME=VALUE`, C strings, up to a nil (environ(7)). To be read before
/// anything changes it.
package func rawEnvironment() -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
  clinux_environment()
}
