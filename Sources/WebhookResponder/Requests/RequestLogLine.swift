internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// The one line that a request leaves in the log.
struct RequestLogLine {
  let outcome: Outcome
  let route: Route?
  /// `REMOTE_ADDR`, from the web server.
  let remoteAddress: [UInt8]
  let microseconds: Int64

  var level: Log.Level {
    switch outcome.status {
    case ..<300: .info
    case 401: .warning
    case ..<500: .notice
    default: .error
    }
  }

  var text: String {
    var text = ""
    text.reserveCapacity(256)
    text += "code=\(outcome.codeWord) status=\(outcome.status)"
    if case .delivery(let instance, let hook) = route {
      text += " instance=\(instance.name)"
      if let hook { text += " hook=\(hook.rawValue)" }
    }
    switch outcome {
    case .stored(let id), .duplicate(let id): text += " id=\(id.hex)"
    case .healthy, .refused: break
    }
    text += " remote=\(printableAddress) us=\(microseconds)"
    if case .refused(let refusal) = outcome {
      if let detail = refusal.detail { text += " \(Self.text(of: detail))" }
      if let remedy = refusal.remedy { text += " hint=\(Log.quoted(remedy))" }
    }
    return text
  }

  private static func text(of detail: Refusal.Detail) -> String {
    switch detail {
    case .seconds(let seconds): "by-seconds=\(seconds)"
    case .limit(let bytes): "limit-bytes=\(bytes)"
    case .allowed(let methods): "allowed=\(Log.quoted(methods.rawValue))"
    case .parameter(let parameter, let problem):
      "parameter=\(parameter.rawValue) problem=\(Log.quoted(problem.rawValue))"
    case .systemCall(let call, let path, let code):
      "call=\(call) path=\(Log.quoted(path))"
        + " error=\(Log.quoted(String(cString: strerror(code))))"
    }
  }

  /// An address is digits, hexadecimal letters, dots and colons; whatever else a peer of the socket
  /// sends in its place stays out of the log.
  private var printableAddress: String {
    guard !remoteAddress.isEmpty else { return "-" }
    let bytes = remoteAddress.prefix(64).map { byte -> UInt8 in
      let isPlain =
        (0x30...0x3A).contains(byte) || (0x61...0x66).contains(byte)
        || (0x41...0x46).contains(byte) || byte == UInt8(ascii: ".")
      return isPlain ? byte : UInt8(ascii: "?")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
