internal import CLinux

/// The environment as it was when the process started, read before the first thread.
package struct Environment: Sendable {
  package let variables: [String: String]

  package init(variables: [String: String]) {
    self.variables = variables
  }

  package static func ofProcess() -> Environment {
    var variables: [String: String] = [:]
    var next = rawEnvironment()
    while let entry = next?.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      next = next.map { $0 + 1 }
    }
    return Environment(variables: variables)
  }

  package subscript(name: String) -> String? { variables[name] }
}

/// The program's name and its arguments. The runtime would look for them below the environment,
/// where they are not if a preloaded library has moved that.
package func commandLine() -> [String] {
  var arguments: [String] = []
  var next = clinux_arguments()
  while let argument = next?.pointee {
    arguments.append(String(cString: argument))
    next = next.map { $0 + 1 }
  }
  return arguments
}

/// The environment itself: `NAME=VALUE`, C strings, up to a nil (environ(7)). To be read before
/// anything changes it.
package func rawEnvironment() -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
  clinux_environment()
}
