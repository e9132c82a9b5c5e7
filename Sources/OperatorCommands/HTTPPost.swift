internal import Subprocess
internal import WebhookCore

/// One POST, carried out by curl.
struct HTTPPost {
  let url: String
  let headers: [(name: String, value: String)]
  let body: [UInt8]

  struct Answer {
    let status: Int
    /// Status line and header fields, as they came.
    let head: String
    let body: String
  }

  /// Sends the request; redirects are not followed.
  /// - Throws: `CommandFailure` if there is no answer within 30 seconds.
  func send() async throws -> Answer {
    // By standard input: what stands in arguments can be seen by every user of the machine.
    let options = ["--config", "-", "--silent", "--show-error", "--include"]
    let result: ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>>
    do {
      result = try await run(
        .name("curl"), arguments: Arguments(options), input: .string(curlConfiguration),
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw CommandFailure.unavailable("curl is not installed: apt-get install curl")
    }
    guard result.terminationStatus.isSuccess, let answer = Answer(result.standardOutput) else {
      let reason = (result.standardError).split(separator: "\n").first.map(String.init)
      throw CommandFailure.unavailable(reason ?? "curl got no answer from \(printable(url))")
    }
    return answer
  }

  /// curl(1), `--config`: a value in quotation marks, with backslashes before quotation marks and
  /// backslashes.
  private var curlConfiguration: String {
    var lines = [("url", url), ("proto", "=http,https"), ("max-time", "30")]
    for header in headers { lines.append(("header", "\(header.name): \(header.value)")) }
    // curl would wait for "100 Continue" before a larger body.
    lines.append(("header", "Expect:"))
    lines.append(("data-binary", String(decoding: body, as: UTF8.self)))
    return lines.map { "\($0.0) = \"\(Self.escaped($0.1))\"\n" }.joined()
  }

  private static func escaped(_ value: String) -> String {
    var text = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"", "\\": text += "\\\(scalar)"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

extension HTTPPost.Answer {
  /// Reads what curl prints with `--include`; nil if that is no HTTP answer.
  fileprivate init?(_ output: String) {
    let bytes = Array(output.utf8)
    let separator = Array("\r\n\r\n".utf8)
    guard output.hasPrefix("HTTP/"), let status = output.split(separator: " ").dropFirst().first,
      let number = Int(status.prefix(3)),
      let end = bytes.indices.first(where: { bytes[$0...].starts(with: separator) })
    else { return nil }
    self.status = number
    head = String(decoding: bytes[..<end], as: UTF8.self)
    body = String(decoding: bytes[(end + separator.count)...], as: UTF8.self)
  }
}
