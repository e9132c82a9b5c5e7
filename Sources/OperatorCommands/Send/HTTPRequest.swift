internal import CommandLineProgram
internal import Subprocess
internal import WebhookCore

/// One request, carried out by curl; redirects are not followed.
struct HTTPRequest {
  var url: String
  /// A comma-separated list, as curl's `--proto` takes it.
  var schemes = "http,https"
  /// Certificates of authorities, PEM, in place of the system's.
  var caFile: String?
  /// Without a value: there is none, not even curl's own.
  var headers: [(name: String, value: String)] = []
  /// Nil: GET; else POST.
  var body: [UInt8]?
  /// How long to wait for the whole answer.
  var maxSeconds: Int64 = 30
  /// The file whose bytes are the body in place of `body`.
  var bodyFile: String?
  /// In place of the method that the body asks for.
  var method: String?
  /// How long the answer, head and body, may be.
  var maxAnswerBytes = 1 << 20

  struct Answer {
    let status: Int
    /// Status line and header fields, as they came.
    let head: String
    let body: [UInt8]
  }

  enum Outcome {
    case answer(Answer)
    /// Nobody answered, or not to the end: curl's reason.
    case silence(String)
  }

  /// curl(1), EXIT CODES: what is wrong with the URL, an option, or a file on this machine.
  private static let ownFaults: Set<Int32> = [1, 2, 3, 26, 27, 43, 77]

  /// - Throws: `CommandError` if there is no answer in time.
  func send() async throws -> Answer {
    switch try await outcome() {
    case .answer(let answer): return answer
    case .silence(let reason): throw CommandError.unavailable(reason)
    }
  }

  /// - Throws: `CommandError` if nobody can be asked, or the answer is too long.
  func outcome() async throws -> Outcome {
    // By standard input: what stands in arguments can be seen by every user of the machine.
    // No ~/.curlrc: it could switch the check of certificates off.
    let arguments: Arguments = [
      "--disable", "--config", "-", "--silent", "--show-error", "--include",
      "--suppress-connect-headers",
    ]
    let result: ExecutionResult<Void, BytesOutput, StringOutput<UTF8>>
    do {
      result = try await run(
        .name("curl"), arguments: arguments, input: .string(curlConfiguration),
        output: .bytes(limit: maxAnswerBytes), error: .string(limit: 1 << 16))
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw CommandError.unavailable("curl is not installed: apt-get install curl")
    } catch let error as SubprocessError where error.code == .outputLimitExceeded {
      throw CommandError.unavailable(
        "\(printable(url)): the answer is longer than \(maxAnswerBytes) bytes")
    } catch let error as SubprocessError {
      throw CommandError.system("curl cannot be run: \(printable("\(error)"))")
    }
    guard result.terminationStatus.isSuccess, let answer = Answer(result.standardOutput) else {
      let reason =
        result.standardError.split(separator: "\n").first.map { printable(String($0)) }
        ?? "no answer from \(printable(url))"
      if case .exited(let code) = result.terminationStatus, !Self.ownFaults.contains(code) {
        return .silence(reason)
      }
      throw CommandError.unavailable(reason)
    }
    return .answer(answer)
  }

  /// curl(1), `--config`: a value in quotation marks, with backslashes before quotation marks and
  /// backslashes.
  private var curlConfiguration: String {
    var lines = [("url", url), ("proto", "=\(schemes)"), ("max-time", "\(maxSeconds)")]
    if let caFile { lines.append(("cacert", caFile)) }
    if let method { lines.append(("request", method)) }
    for header in headers {
      lines.append(("header", "\(header.name):\(header.value.isEmpty ? "" : " \(header.value)")"))
    }
    if let body {
      // curl would wait for "100 Continue" before a larger body.
      lines.append(("header", "Expect:"))
      // `data-binary` would take text that begins with @ for the name of a file.
      lines.append(
        bodyFile.map { ("data-binary", "@\($0)") }
          ?? ("data-raw", String(decoding: body, as: UTF8.self)))
    }
    return "globoff\npath-as-is\n" + lines.map { "\($0.0) = \"\(Self.escaped($0.1))\"\n" }.joined()
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

extension HTTPRequest.Answer {
  /// Reads what curl prints with `--include`, interim answers (1xx) before the final one passed
  /// over; nil if that is no HTTP answer.
  fileprivate init?(_ output: [UInt8]) {
    let separator = Array("\r\n\r\n".utf8)
    var rest = output[...]
    while rest.starts(with: "HTTP/".utf8),
      let end = rest.indices.first(where: { rest[$0...].starts(with: separator) })
    {
      let head = String(decoding: rest[..<end], as: UTF8.self)
      rest = rest[(end + separator.count)...]
      let words = head.split(separator: " ").dropFirst()
      guard let status = words.first.flatMap({ Int($0.prefix(3)) }) else { return nil }
      if !(100...199).contains(status) {
        self.init(status: status, head: head, body: Array(rest))
        return
      }
    }
    return nil
  }
}
