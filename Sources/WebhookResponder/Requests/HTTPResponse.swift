internal import StrictJSON
package import WebhookCore

/// The answer as a CGI response (RFC 3875 §6): a `Status` field, the header fields, the body.
package struct HTTPResponse {
  private let status: Int
  private let headers: [(String, String)]
  private let body: [UInt8]

  package init(to outcome: Outcome) {
    status = outcome.status
    var headers = [("Cache-Control", "no-store")]
    switch outcome {
    case .stored(let id), .duplicate(let id):
      headers.append(("Content-Type", "application/json"))
      body = line([("code", .string(outcome.codeWord)), ("id", .string(id.hex))])
    case .healthy:
      headers.append(("Content-Type", "application/json"))
      body = line([("code", .string(outcome.codeWord))])
    case .refused(let refusal):
      headers.append(("Content-Type", "application/problem+json"))
      headers += Self.headers(of: refusal)
      // RFC 9457 §3; the code word is an extension member, and nothing else is said.
      body = line([
        ("type", .string("about:blank")), ("title", .string(statusPhrase(status))),
        ("status", .number(Int64(status))), ("code", .string(outcome.codeWord)),
      ])
    }
    self.headers = headers
  }

  private static func headers(of refusal: Refusal) -> [(String, String)] {
    switch refusal.reason.status {
    case 401: [("WWW-Authenticate", "Signed")]
    case 405:
      if case .allowed(let methods) = refusal.detail { [("Allow", methods.rawValue)] } else { [] }
    case 503: [("Retry-After", "30")]
    default: []
    }
  }

  /// - Parameter hasBody: false for HEAD, whose answer has none (RFC 3875 §4.3.3).
  package func bytes(hasBody: Bool) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(512)
    func append(_ name: String, _ value: String) {
      for part in [name, ": ", value, "\r\n"] { text.append(contentsOf: part.utf8) }
    }
    append("Status", "\(status) \(statusPhrase(status))")
    for (name, value) in headers { append(name, value) }
    append("Content-Length", "\(body.count)")
    text.append(contentsOf: "\r\n".utf8)
    if hasBody { text.append(contentsOf: body) }
    return text
  }
}

private func line(_ members: [(name: String, value: JSONValue)]) -> [UInt8] {
  JSONValue.object(JSONObject(members)).compactText + [UInt8(ascii: "\n")]
}

/// The reason phrases of RFC 9110 §15 and RFC 6585 §5.
private func statusPhrase(_ status: Int) -> String {
  switch status {
  case 200: "OK"
  case 202: "Accepted"
  case 400: "Bad Request"
  case 401: "Unauthorized"
  case 405: "Method Not Allowed"
  case 413: "Content Too Large"
  case 422: "Unprocessable Content"
  case 431: "Request Header Fields Too Large"
  case 500: "Internal Server Error"
  default: "Service Unavailable"
  }
}
