internal import ArgumentParser
internal import CommandLineProgram
internal import DeliverySigning
internal import Glibc
internal import ServiceProcess
internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook send`
struct SendCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Send a test delivery, signed as the vendor's with a key of your own.",
    discussion: """
      The public half of the key must be one of the instance's `keys`. Make a pair with

        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 \\
          -out private.pem
        openssl pkey -in private.pem -pubout -out public.pem

      With --replay, the delivery of a stored event is sent again. The responder answers 200 \
      duplicate, or 401 stale if the delivery is older than `max-age-seconds`.

      You can cause every refusal, for example:

        stale, future          --age 10m; --claim iat=4102444800
        expired, audience      --claim exp=1; --claim aud=somebody
        bad-signature          --forge
        missing-authorization  --header Authorization:
        malformed-payload      --payload FILE
        body-mismatch          --body FILE

      The command prints the status line and the body of the answer.

      Exit code 0: every answer was 2xx; 1: an answer was not; 66: a file cannot be read; 69: \
      nobody answered.
      """)

  @Argument(help: "Where to, for example https://hooks.example.com/webhooks/delve/success.")
  var url: String

  @Option(
    help: ArgumentHelp("The private key to sign with: a PEM file.", valueName: "file"),
    completion: .file())
  var key: String?

  @Option(
    help: ArgumentHelp(
      "Send the delivery that this event file keeps, in place of a new one.", valueName: "file"),
    completion: .file())
  var replay: String?

  @Option(help: "The kind of event: \(Hook.allCases.map(\.rawValue).joined(separator: ", ")).")
  var hook: Hook = .exportComplete

  @Option(help: "The event's id (default: a random number).")
  var id: String?

  @Option(
    help: """
      A claim, as in aud=me or exp=1790000000: JSON, or else a string. It takes the place of the \
      claim of that name, iat included. Repeatable.
      """)
  var claim: [ClaimArgument] = []

  @Option(help: "How long ago it was signed, as in 90s, 30m, 12h or 7d (default: 0s).")
  var age: Age?

  @Option(
    help: ArgumentHelp(
      "Sign the bytes of this file as they are, in place of an event.", valueName: "file"),
    completion: .file())
  var payload: String?

  @Option(
    help: ArgumentHelp("Post the bytes of this file in place of the event.", valueName: "file"),
    completion: .file())
  var body: String?

  @Option(
    help: ArgumentHelp(
      """
      A header field, as in 'X-Signature: ES512 /x'. It takes the place of that of the same name; \
      without a value there is none. Repeatable.
      """, valueName: "field"))
  var header: [HeaderArgument] = []

  @Option(help: "The request's method (default: POST).")
  var method: String?

  @Option(help: "The JWS algorithm (default: the one that fits the key).")
  var algorithm: SignatureAlgorithm?

  @Option(help: ArgumentHelp("The key's location, as X-Signature names it.", valueName: "location"))
  var keyLocation = XSignatureRule.defaultKeyLocation

  @Option(
    help: ArgumentHelp(
      "How often to send the very same token: all but the first are replays.", valueName: "number"))
  var `repeat` = 1

  @Flag(help: "Change one bit of the signature.")
  var forge = false

  @Flag(name: .shortAndLong, help: "Print the answer's header fields too.")
  var include = false

  func validate() throws {
    guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
      throw ValidationError("The URL must begin with http:// or https://.")
    }
    guard (key == nil) != (replay == nil) else {
      throw ValidationError("Pass --key for a new delivery, or --replay for a stored one.")
    }
    let isChanged = id != nil || !claim.isEmpty || age != nil
    guard replay == nil || !(isChanged || payload != nil || algorithm != nil || forge) else {
      throw ValidationError(
        "A stored delivery is signed already: --replay can change nothing in it.")
    }
    guard payload == nil || !isChanged else {
      throw ValidationError("--payload is signed as it is: no claim can be changed in it.")
    }
    guard method?.allSatisfy({ $0.isASCII && $0.isLetter }) ?? true else {
      throw ValidationError("--method must be a word, as in GET.")
    }
    guard `repeat` >= 1 else { throw ValidationError("--repeat must be 1 or more.") }
  }

  func run() async throws {
    try await reportingErrors {
      var post = try replay.map(storedRequest) ?? newRequest()
      if let body {
        var status = stat()
        guard stat(body, &status) != 0 || status.st_mode & S_IFMT != S_IFIFO else {
          throw CommandError.usage("--body: a pipe can be read only once: name a file")
        }
        _ = try inputContents(body)
        // curl has another standard input.
        post.bodyFile = pathBehindLinks(body)
      }
      post.method = method
      for header in header { post.set(header) }
      var isAccepted = true
      for _ in 0..<`repeat` {
        let answer = try await post.send()
        let statusLine = answer.head.prefix { $0 != "\r\n" }
        let body = String(decoding: answer.body, as: UTF8.self)
        let text = "\(include ? "\(answer.head)\n" : String(statusLine))\n\(body)".trimmed
        printResult(
          text.split(whereSeparator: \.isNewline).map(escapingControls).joined(separator: "\n"))
        if !(200...299).contains(answer.status) { isAccepted = false }
      }
      if !isAccepted { throw ExitCode.failure }
    }
  }

  private func newRequest() throws -> HTTPRequest {
    let key = key ?? ""
    let pem = try inputContents(key)
    let bytes = try payload.map { file throws(CommandError) in try inputContents(file) }
    do throws(SigningKeyError) {
      let signingKey = try SigningKey(pem: pem)
      guard let algorithm = algorithm ?? signingKey.defaultAlgorithm else {
        throw .unsupportedKey
      }
      if let bytes {
        let delivery = try Delivery(
          payload: bytes, body: bytes, signedBy: signingKey, algorithm: algorithm,
          keyLocation: keyLocation, isForged: forge)
        return request(delivery)
      }
      var body = hook.sampleBody(id: id ?? String(UInt32.random(in: 100_000...999_999)))
      for claim in claim {
        body = body.removing(claim.name).appending(claim.name, claim.value)
      }
      let delivery = try Delivery(
        body: body, issuedAt: Timestamp.now().seconds - (age?.seconds ?? 0), signedBy: signingKey,
        algorithm: algorithm,
        keyLocation: keyLocation, isForged: forge)
      return request(delivery)
    } catch {
      throw CommandError.noInput("\(printable(key)) \(error.explanation)")
    }
  }

  private func request(_ delivery: Delivery) -> HTTPRequest {
    HTTPRequest(
      url: url, authorization: delivery.authorization, xSignature: delivery.xSignature,
      body: delivery.body)
  }

  /// The delivery that a stored event came with, as far as the event keeps it.
  private func storedRequest(_ file: String) throws -> HTTPRequest {
    guard let event = StoredEvent(line: try inputContents(file)), !event[.jws].isEmpty,
      event[.jws].utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
      event[.xsignature].utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else { throw CommandError.noInput("\(printable(file)) is not an event with its token") }
    return HTTPRequest(
      url: url, authorization: Array("Signed \(event[.jws])".utf8),
      xSignature: event[.xsignature],
      body: event.data.object.map { JSONValue.object($0.removing("iat")).compactText } ?? [])
  }
}

/// A claim on the command line: `name=value`.
struct ClaimArgument: ExpressibleByArgument {
  let name: String
  let value: JSONValue

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
      return nil
    }
    name = String(argument[..<equals])
    let text = Array(argument[argument.index(after: equals)...].utf8)
    value = (try? JSONValue(parsing: text)) ?? .string(text)
  }
}

/// A header field on the command line: `Name: value`.
struct HeaderArgument: ExpressibleByArgument {
  let name, value: String

  init?(argument: String) {
    guard let colon = argument.firstIndex(of: ":"), colon != argument.startIndex,
      argument.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else { return nil }
    name = String(argument[..<colon])
    value = argument[argument.index(after: colon)...].trimmingPrefix(" ").description
  }
}

extension HTTPRequest {
  fileprivate mutating func set(_ header: HeaderArgument) {
    headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
    headers.append((header.name, header.value))
  }

  fileprivate init(url: String, authorization: [UInt8], xSignature: String, body: [UInt8]) {
    self.url = url
    self.body = body
    headers = [
      ("Content-Type", "application/json"),
      ("Authorization", String(decoding: authorization, as: UTF8.self)),
    ]
    if !xSignature.isEmpty { headers.append(("X-Signature", xSignature)) }
  }
}

/// The answer's text as it is, but for what a terminal would obey.
private func escapingControls(_ line: Substring) -> String {
  line.unicodeScalars.map {
    (0x20...0x7E).contains($0.value) ? String($0) : $0.escaped(asASCII: true)
  }
  .joined()
}

extension String {
  /// Without line breaks at the end.
  fileprivate var trimmed: String {
    var text = self
    while text.last?.isNewline == true { text.removeLast() }
    return text
  }
}

extension Hook: ExpressibleByArgument {}
extension SignatureAlgorithm: ExpressibleByArgument {}
