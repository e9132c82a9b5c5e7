internal import StrictJSON
package import WebhookCore

/// The answer as a CGI response (RFC 3875 §6): a `Status` field, the header fields, the body.
package struct HTTPResponse {
  private let status: HTTPStatus
  private let headers: [(String, String)]
  private let body: [UInt8]

  /// Something that is shown: 200.
  init(_ contentType: String, _ body: [UInt8], _ headers: [(String, String)] = []) {
    self.init(
      status: .ok, headers: [("Vary", "Accept"), ("Content-Type", contentType)] + headers,
      body: body)
  }

  /// Of a process that stands beside others of its kind, and would show only its own part.
  static let ofOneOfSeveral = HTTPResponse(
    status: .notImplemented, headers: [("Content-Type", "text/plain; charset=utf-8")],
    body: Array(
      """
      The web server starts several processes of the responder, or one for each request, and each \
      would count for itself: so nothing is counted here. What lies in the spool is told by \
      delve-webhook spool stats, also for Prometheus.

      """.utf8))

  private init(status: HTTPStatus, headers: [(String, String)], body: [UInt8]) {
    (self.status, self.body) = (status, body)
    self.headers = [("Cache-Control", "no-store")] + headers
  }

  package init(to outcome: Outcome) {
    let status = outcome.status
    var headers: [(String, String)] = []
    let code = JSONValue.string(outcome.codeWord)
    let object: JSONObject
    switch outcome {
    case .stored(let event), .duplicate(let event):
      headers.append(("Content-Type", "application/json"))
      object = ["code": code, "id": .string(event.id.hex)]
    case .healthy, .shown:
      headers.append(("Content-Type", "application/json"))
      object = ["code": code]
    case .refused(let refusal):
      headers.append(("Content-Type", "application/problem+json"))
      headers += Self.headers(of: refusal)
      // RFC 9457 §3; the code word is an extension member, and nothing else is said.
      object = [
        "type": .string("about:blank"), "title": .string(status.phrase),
        "status": .number(status.rawValue), "code": code,
      ]
    }
    self.init(status: status, headers: headers, body: object.line)
  }

  private static func headers(of refusal: Refusal) -> [(String, String)] {
    switch refusal.reason.status {
    case .unauthorized: [("WWW-Authenticate", "Signed")]
    case .methodNotAllowed:
      if case .allowed(let methods) = refusal.detail { [("Allow", methods.rawValue)] } else { [] }
    case .serviceUnavailable: [("Retry-After", "30")]
    case .ok, .accepted, .badRequest, .contentTooLarge, .unprocessableContent,
      .requestHeaderFieldsTooLarge, .internalServerError, .notImplemented:
      []
    }
  }

  /// - Parameter hasBody: false for HEAD, whose answer has none (RFC 3875 §4.3.3).
  package func bytes(hasBody: Bool) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(512)
    func append(_ name: String, _ value: String) {
      for part in [name, ": ", value, "\r\n"] { text.append(contentsOf: part.utf8) }
    }
    append("Status", "\(status.rawValue) \(status.phrase)")
    for (name, value) in headers { append(name, value) }
    append("Content-Length", "\(body.count)")
    text.append(contentsOf: "\r\n".utf8)
    if hasBody { text.append(contentsOf: body) }
    return text
  }
}
