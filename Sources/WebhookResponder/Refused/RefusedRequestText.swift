internal import EventSpool
internal import WebhookConfiguration
internal import WebhookCore

/// A refused request as raw HTTP text (RFC 9112), as `explain` reads it: with what was decided in
/// fields of our own, which stand before the sender's.
struct RefusedRequestText {
  private(set) var bytes: [UInt8] = []

  /// - Parameters:
  ///   - body: nil if it was not looked at.
  ///   - maxFieldBytes: so much of a value decides: one byte more than may come.
  init(
    _ request: DecidedRequest, _ refusal: Refusal, _ parameters: RequestParameters,
    _ body: ReceivedBody?, maxFieldBytes: Int
  ) {
    append(visible: parameters[.method].first)
    append(" ")
    append(visible: parameters[.requestURI].first)
    append(" HTTP/1.1\r\n")
    append(KeptField.time, request.decidedAt.rfc3339)
    append(KeptField.code, refusal.reason.codeWord)
    if let instance = request.instance { append(KeptField.instance, instance.description) }
    if let hook = request.hook { append(KeptField.hook, hook.rawValue) }
    if case .parameter(let parameter, let problem) = refusal.detail {
      append(KeptField.problem, "\(parameter.rawValue) \(problem.rawValue)")
    }
    append(KeptField.remote, request.remoteAddress)
    let fields: [(String, RequestParameter)] = [
      ("Content-Length", .contentLength), ("Authorization", .authorization),
      ("X-Signature", .xSignature),
    ]
    for (name, parameter) in fields {
      for value in parameters[parameter] where !(parameter == .contentLength && value.isEmpty) {
        append(name, value: value.prefix(maxFieldBytes))
      }
    }
    append("\r\n")
    bytes += body?.bytes ?? []
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func append(_ field: KeptField, _ value: String) {
    append("\(field.rawValue): \(value)\r\n")
  }

  /// No value of the sender's ends its line: what would is another control byte, which decides
  /// alike.
  private mutating func append(_ name: String, value: ArraySlice<UInt8>) {
    append("\(name): ")
    bytes.append(contentsOf: value.map { [0x00, 0x0A, 0x0D].contains($0) ? 0x01 : $0 })
    append("\r\n")
  }

  /// Method and target have only visible characters (RFC 9110 §9.1, RFC 9112 §3.2).
  private mutating func append(visible text: [UInt8]?) {
    guard let text, !text.isEmpty else { return append("-") }
    bytes.append(contentsOf: text.map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") })
  }
}

extension ReceivedBody {
  /// Its bytes are kept if they are compared, or if a refused request is to be looked at later.
  init(under settings: Settings) {
    self.init(under: settings.policy, keepsBytes: settings.keptRefused > 0)
  }
}
