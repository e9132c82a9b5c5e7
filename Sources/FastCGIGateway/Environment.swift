internal import CLinux

/// The environment as it was when the process started, read before the first thread.
struct Environment: Sendable {
  private let variables: [String: String]

  init(variables: [String: String]) {
    self.variables = variables
  }

  static func ofProcess() -> Environment {
    var variables: [String: String] = [:]
    var next = clinux_environment()
    while let entry = next?.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      next = next.map { $0 + 1 }
    }
    return Environment(variables: variables)
  }

  subscript(name: String) -> String? { variables[name] }
}
