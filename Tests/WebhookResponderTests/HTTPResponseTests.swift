internal import WebhookResponder
internal import Testing
internal import WebhookCore

struct HTTPResponseTests {
  private func text(_ refusal: Refusal) -> String {
    String(decoding: HTTPResponse(to: .refused(refusal)).bytes(hasBody: true), as: UTF8.self)
  }

  @Test(arguments: Refusal.Reason.allCases)
  func everyReasonIsAProblemWithItsCodeWord(reason: Refusal.Reason) throws {
    let parts = text(Refusal(reason)).split(separator: "\r\n\r\n", maxSplits: 1)
    #expect(parts[0].hasPrefix("Status: \(reason.status.rawValue) "))
    #expect(parts[0].contains("\r\nContent-Type: application/problem+json\r\n"))
    #expect(parts[0].hasSuffix("\r\nContent-Length: \(parts[1].utf8.count)"))
    #expect(parts[1].hasPrefix(#"{"type":"about:blank","title":""#))
    #expect(
      parts[1].hasSuffix(
        #","status":\#(reason.status.rawValue),"code":"\#(reason.codeWord)"}"# + "\n"))
    #expect(
      parts[0].contains("\r\nWWW-Authenticate: Signed\r\n") == (reason.status == .unauthorized))
    #expect(parts[0].contains("\r\nRetry-After: 30\r\n") == (reason.status == .serviceUnavailable))
    // A sender may follow a redirect, and unsubscribe on a 410.
    #expect(!(300...399).contains(reason.status.rawValue) && reason.status.rawValue != 410)
  }

  @Test func methodIsAnsweredWithTheAllowedOnes() {
    #expect(text(Refusal(.method, .allowed(.delivery))).contains("\r\nAllow: POST\r\n"))
    #expect(text(Refusal(.method, .allowed(.reading))).contains("\r\nAllow: GET, HEAD\r\n"))
  }

  @Test func detailOfARefusalIsForTheLogAlone() {
    let refusal = Refusal(.spoolIO, .systemCall("fsync", path: "/var/spool/x", errno: 5))
    #expect(text(refusal) == text(Refusal(.spoolIO)))
  }
}
