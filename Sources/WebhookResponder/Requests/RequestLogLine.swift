internal import LinuxSystem
internal import ServiceProcess
internal import WebhookCore

extension LogLine {
  /// The one line that a request leaves in the log.
  /// - Parameter remoteAddress: `REMOTE_ADDR`, from the web server.
  init(_ outcome: Outcome, route: Route?, remoteAddress: [UInt8], microseconds: Int64) {
    self.init(Self.level(of: outcome.status))
    add("code", .text(outcome.codeWord))
    add("status", .number(outcome.status.rawValue))
    if case .delivery(let instance, let hook) = route {
      add("instance", .text(instance.name.description))
      if let hook { add("hook", .text(hook.rawValue)) }
    }
    switch outcome {
    case .stored(let id), .duplicate(let id): add("id", .text(id.hex))
    case .healthy, .refused: break
    }
    add("remote", .text(printableAddress(remoteAddress)))
    add("us", .number(microseconds))
    if case .refused(let refusal) = outcome { add(refusal) }
  }

  private static func level(of status: HTTPStatus) -> Level {
    switch status.rawValue {
    case ..<300: .info
    case 401: .warning
    case ..<500: .notice
    default: .error
    }
  }

  /// What is known besides the code word, and what can be done.
  mutating func add(_ refusal: Refusal) {
    switch refusal.detail {
    case .seconds(let seconds): add("by-seconds", .number(seconds))
    case .limit(let bytes): add("limit-bytes", .number(bytes))
    case .allowed(let methods): add("allowed", .text(methods.rawValue))
    case .parameter(let parameter, let problem):
      add("parameter", .text(parameter.rawValue))
      add("problem", .text(problem.rawValue))
    case .systemCall(let call, let path, let code):
      add("call", .text(call))
      add("path", .text(path))
      add("error", .text(errorText(code)))
    case .path(let path): add("path", .text(path))
    case nil: break
    }
    if let remedy = refusal.remedy { add("hint", .text(remedy)) }
  }
}

/// An address is digits, hexadecimal letters, dots and colons; whatever else a peer of the socket
/// sends in its place stays out of the log.
private func printableAddress(_ address: [UInt8]) -> String {
  guard !address.isEmpty else { return "-" }
  let bytes = address.prefix(64).map { byte -> UInt8 in
    switch byte {
    case 0x30...0x3A, 0x61...0x66, 0x41...0x46, UInt8(ascii: "."): byte
    default: UInt8(ascii: "?")
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
