internal import CommandLineProgram
internal import Glibc
@testable internal import OperatorCommands
internal import Testing

struct CapturedRequestTests {
  private func request(_ text: String) throws(CommandError) -> CapturedRequest {
    try CapturedRequest(parsing: Array(text.utf8))
  }

  /// The sentence that it is refused with; nil if it is taken.
  private func refusal(_ text: String) -> CommandError? {
    do throws(CommandError) {
      _ = try request(text)
      return nil
    } catch {
      return error
    }
  }

  private func texts(_ values: [[UInt8]]) -> [String] {
    values.map { String(decoding: $0, as: UTF8.self) }
  }

  // MARK: A request

  @Test(arguments: ["\n", "\r\n"])
  func requestIsReadWhateverItsLineBreaks(lineBreak: String) throws {
    let request = try request(
      [
        "POST /webhooks/delve/any?x=1 HTTP/1.1", "Host: hooks.example.com",
        "Authorization: Signed a.b.c", "X-SIGNATURE:ES512 /api/webhook.key", "", "{\"a\":1}",
      ].joined(separator: lineBreak))
    #expect(!request.isTokenAlone)
    #expect(texts([request.method, request.target]) == ["POST", "/webhooks/delve/any?x=1"])
    #expect(texts(request["authorization"]) == ["Signed a.b.c"])
    #expect(texts(request["x-signature"]) == ["ES512 /api/webhook.key"])
    #expect(texts([request.body]) == ["{\"a\":1}"])
  }

  @Test func bodyKeepsItsLineBreaksAndEmptyLines() throws {
    let request = try request("POST / HTTP/1.1\r\nA: b\r\n\r\n\r\none\r\n\r\ntwo\n")
    #expect(texts([request.body]) == ["\r\none\r\n\r\ntwo\n"])
  }

  @Test func requestWithoutAnEmptyLineHasNoBody() throws {
    let request = try request("POST / HTTP/1.1\nA: b")
    #expect(texts(request["a"]) == ["b"])
    #expect(request.body == [])
  }

  @Test func repeatedFieldKeepsEachOfItsValues() throws {
    let request = try request("POST / HTTP/1.1\nX-Signature: a\nOther: -\nx-signature: b\n\n")
    #expect(texts(request["x-signature"]) == ["a", "b"])
    #expect(request["authorization"] == [])
  }

  @Test func fieldMayBeEmptyAndHoldColons() throws {
    let request = try request("POST / HTTP/1.1\nA:\nB: \t c:d \t\r\n\n")
    #expect(texts(request["a"] + request["b"]) == ["", "c:d"])
  }

  @Test(arguments: [
    "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n2\r\n{}\r\n0\r\n\r\n",
    "POST / HTTP/1.1\ntransfer-encoding: identity\n\n{}",
  ])
  func chunkedRequestIsRefused(text: String) {
    let refusal = refusal(text)
    #expect(refusal?.exitCode == EX_NOINPUT)
    #expect(refusal?.description.contains("chunked") == true)
  }

  @Test(arguments: [
    ("POST / HTTP/1.1\nA: b\nno field\n\n", "line 3 "),
    ("POST / HTTP/1.1\nno field\n\n", "line 2 "),
    // A value that goes on in the next line (RFC 9112 §5.2).
    ("POST / HTTP/1.1\nA: b\n c: d\n\n", "line 3 "),
    ("POST / HTTP/1.1\nA: b\n\tc: d\n\n", "line 3 "),
  ])
  func lineThatIsNoFieldIsNamed(text: String, line: String) {
    let refusal = refusal(text)
    #expect(refusal?.exitCode == EX_NOINPUT)
    #expect(refusal?.description.contains(line) == true)
  }

  // MARK: Only a token

  @Test(arguments: ["a.b.c", "\r\n a.b.c\t\n", "Signed a.b.c\n", "  Signed a.b.c"])
  func tokenIsTakenWithOrWithoutItsScheme(text: String) throws {
    let request = try request(text)
    #expect(request.isTokenAlone)
    #expect(texts(request["authorization"]) == ["Signed a.b.c"])
    #expect(request["x-signature"] == [])
    #expect(texts([request.method]) == ["POST"])
    #expect(request.body == [])
  }

  @Test(arguments: [
    "aa.\nbb.cc", "Signed\naa.bb\r\n.cc", "Signed aa\n  .bb.\n\ncc\n", "Signed aa.bb\n.cc",
  ])
  func tokenMayBeWrapped(text: String) throws {
    #expect(texts(try request(text)["authorization"]) == ["Signed aa.bb.cc"])
  }

  @Test(arguments: [
    "Authorization: Signed aa.bb\n.cc\nX-Signature: ES512 /k\n",
    "POST /a HTTP/1.1\r\nAuthorization: Signed aa\r\n.bb.cc\r\nX-Signature: ES512 /k\r\n\r\n",
    "* Connected to x\n> POST /a HTTP/1.1\n> Authorization: Signed aa.bb.cc\n"
      + "> x-signature: ES512 /k\n>\n} [2 bytes data]\n< HTTP/1.1 401\n< A: b\n",
  ])
  func whatPeoplePasteIsARequest(text: String) throws {
    let request = try request(text)
    #expect(!request.isTokenAlone)
    #expect(texts(request["authorization"]) == ["Signed aa.bb.cc"])
    #expect(texts(request["x-signature"]) == ["ES512 /k"])
    #expect(request.body == [])
  }

  @Test func otherSchemeStaysAsItIs() throws {
    #expect(texts(try request("Bearer a.b.c")["authorization"]) == ["Bearer a.b.c"])
  }

  @Test(arguments: ["", "\n", " \t\r\n\n"])
  func emptyInputIsRefused(text: String) {
    let refusal = refusal(text)
    #expect(refusal?.exitCode == EX_NOINPUT)
    #expect(refusal?.description.contains("empty") == true)
  }
}
