internal import LinuxSystem

/// Where `--listen` asks to listen.
enum ListenAddress: Equatable {
  case unix(path: String)
  /// `host` is a numeric address, IPv4 or IPv6 without brackets: no name is looked up.
  case internet(host: String, port: UInt16)

  /// - Parameter text: `unix:PATH`, `127.0.0.1:9000` or `[::1]:9000`.
  init(parsing text: String) throws(StartupError) {
    if text.hasPrefix("unix:") {
      self = .unix(path: String(text.dropFirst(5)))
      guard text.utf8.count > 5 else { throw Self.malformed(text) }
      return
    }
    guard let colon = text.lastIndex(of: ":") else { throw Self.malformed(text) }
    let digits = text[text.index(after: colon)...]
    guard digits.allSatisfy(\.isNumber), let port = UInt16(digits), port > 0 else {
      throw Self.malformed(text)
    }
    let isBracketed = text.hasPrefix("[") && text[..<colon].hasSuffix("]")
    let host = isBracketed ? text[..<colon].dropFirst().dropLast() : text[..<colon]
    self = .internet(host: String(host), port: port)
    guard SocketAddress(host: String(host), port: port) != nil, isBracketed == host.contains(":")
    else { throw Self.malformed(text) }
  }

  private static func malformed(_ text: String) -> StartupError {
    .usage("--listen: expected unix:PATH, 127.0.0.1:PORT or [::1]:PORT, found \(text)")
  }
}
