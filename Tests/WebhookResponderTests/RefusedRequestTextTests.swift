@testable internal import OperatorCommands
internal import TestSupport
internal import Testing
internal import WebhookCore
@testable internal import WebhookResponder

/// Refused requests as text, and what `explain` reads in it.
struct RefusedRequestTextTests {
  private struct Kept {
    var method = Array("POST".utf8)
    var target = Array("/webhooks/delve/any".utf8)
    var fields: [(name: String, value: [UInt8])] = []
    var body = Array("{}".utf8)
    var refusal = Refusal(.badSignature)
    var instance: Instance
    var hook: Hook?
    var policy = DeliveryPolicy()
    var seconds: Int64 = 1_790_000_000

    init(_ fields: [(String, String)] = []) throws {
      instance = try exampleInstance()
      self.fields = fields.map { ($0, Array($1.utf8)) }
    }

    var text: [UInt8] {
      get throws {
        let parameters = requestParameters(
          [("REQUEST_METHOD", method), ("REQUEST_URI", target)] + fields)
        var received = ReceivedBody(under: policy, keepsBytes: true)
        received.append(body)
        var request = try decidedRequest(.refused(refusal), hook: hook, at: seconds * 1_000)
        request.keptAs = "x"
        return RefusedRequestText(
          request, refusal, parameters, received, maxFieldBytes: policy.maxTokenBytes + 1
        ).bytes
      }
    }

    var captured: CapturedRequest {
      get throws { try CapturedRequest(parsing: try text) }
    }

    /// The code word that `explain` finds.
    var explainedCodeWord: String {
      get throws {
        let captured = try captured
        let facts = KeptFacts(of: captured)
        return Explanation(
          Question(
            request: captured, instance: instance, hook: facts.hook, policy: policy,
            now: try required(facts.time))
        ).codeWord
      }
    }
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func textIsARequestWithWhatWasDecidedInFront() throws {
    var kept = try Kept([
      ("CONTENT_LENGTH", "2"), ("HTTP_AUTHORIZATION", "Signed a.b.c"),
      ("HTTP_X_SIGNATURE", "ES512 /api/webhook.key"), ("REMOTE_ADDR", "192.0.2.7"),
    ])
    kept.hook = .exportComplete
    #expect(
      text(try kept.text)
        == [
          "POST /webhooks/delve/any HTTP/1.1", "Delve-Webhook-Time: 2026-09-21T14:13:20.000Z",
          "Delve-Webhook-Code: bad-signature", "Delve-Webhook-Instance: acme",
          "Delve-Webhook-Hook: export-complete", "Delve-Webhook-Remote: 192.0.2.7",
          "Content-Length: 2", "Authorization: Signed a.b.c",
          "X-Signature: ES512 /api/webhook.key", "", "{}",
        ].joined(separator: "\r\n"))
  }

  @Test func whatIsWrongWithALocationIsSaid() throws {
    var kept = try Kept()
    kept.refusal = Refusal(.misconfigured, .parameter(.hook, .unknown))
    let facts = KeptFacts(of: try kept.captured)
    #expect(facts.problem == "DELVE_HOOK unknown")
    #expect(facts.instance == "acme")
    #expect(facts.time == Timestamp(seconds: 1_790_000_000))
  }

  // MARK: What a sender would like to write

  /// A field that ends its own line would add another one, or a body.
  @Test(arguments: ["\r\n", "\n", "\r"])
  func valueStaysOnItsLine(lineBreak: String) throws {
    let evil = "a\(lineBreak)Delve-Webhook-Hook: scan-success\(lineBreak)\(lineBreak)body"
    let kept = try Kept([
      ("CONTENT_LENGTH", evil), ("HTTP_AUTHORIZATION", evil), ("HTTP_X_SIGNATURE", evil),
    ])
    let captured = try kept.captured
    #expect(
      captured.fields.map(\.name) == [
        "delve-webhook-time", "delve-webhook-code", "delve-webhook-instance",
        "delve-webhook-remote", "content-length", "authorization", "x-signature",
      ])
    #expect(KeptFacts(of: captured).hook == nil)
    #expect(captured.body == Array("{}".utf8))
  }

  @Test(arguments: ["GET /", "\r\n", " ", "", "\u{7F}\u{E9}", "\t"])
  func methodAndTargetAreOneWordEach(evil: String) throws {
    var kept = try Kept([("HTTP_AUTHORIZATION", "Signed a.b.c")])
    (kept.method, kept.target) = (Array(evil.utf8), Array(evil.utf8))
    let words = text(try kept.text).prefix { $0 != "\r\n" }.split(separator: " ")
    #expect(words.count == 3)
    #expect(words.last == "HTTP/1.1")
    let captured = try kept.captured
    #expect(!captured.isTokenAlone)
    #expect(captured["authorization"].map(text) == ["Signed a.b.c"])
  }

  /// The facts are ours only if they come first.
  @Test func factsOfASenderAreNone() throws {
    let forged = try CapturedRequest(
      parsing: Array(
        "POST / HTTP/1.1\r\nHost: x\r\nDelve-Webhook-Time: 2026-09-21T14:13:20Z\r\n\r\n".utf8))
    #expect(KeptFacts(of: forged).time == nil)
  }

  @Test func bodyIsNeverTakenForWhatCurlPrints() throws {
    var kept = try Kept([("HTTP_AUTHORIZATION", "Signed a.b.c"), ("CONTENT_LENGTH", "9")])
    kept.body = Array("a\n> b: c\n".utf8)
    let captured = try kept.captured
    #expect(captured["authorization"].map(text) == ["Signed a.b.c"])
    #expect(captured.body == kept.body)
  }

  @Test func lengthIsBounded() throws {
    let long = String(repeating: "x", count: 200_000)
    var kept = try Kept(
      ["CONTENT_LENGTH", "HTTP_AUTHORIZATION", "HTTP_X_SIGNATURE", "REMOTE_ADDR"].flatMap {
        [($0, long), ($0, long), ($0, long)]
      })
    (kept.method, kept.target, kept.body) = (Array(long.utf8), Array(long.utf8), Array(long.utf8))
    kept.policy.maxTokenBytes = 1_000
    let bytes = try kept.text.count
    #expect(bytes > 4 * 1_000)
    #expect(bytes < 4 * 1_001 + 2_048 + 1_000)
    // No body is longer than the limit, and the text always fits into what is read back.
    kept.policy.maxTokenBytes = DeliveryPolicy.largestMaxTokenBytes
    #expect(try kept.text.count < 1 << 20)
  }

  // MARK: The same verdict

  @Test(arguments: AttackCase.all.filter { $0.status >= 400 && $0.status < 500 })
  func attackIsExplainedAsItWasAnswered(attack: AttackCase) throws {
    let reason = try required(
      Refusal.Reason.allCases.first { $0.codeWord == attack.codeWord })
    var kept = try Kept([("CONTENT_LENGTH", "\(attack.body.count)")])
    for (name, value) in [
      ("HTTP_AUTHORIZATION", attack.authorization), ("HTTP_X_SIGNATURE", attack.xSignature),
    ] {
      if let value { kept.fields.append((name, value)) }
    }
    kept.refusal = Refusal(reason)
    (kept.instance, kept.policy, kept.seconds) = (try attack.instance, attack.policy, attack.now)
    kept.hook = try attack.hook.map { try required(Hook(rawValue: $0)) }
    kept.body = attack.body
    #expect(try kept.explainedCodeWord == attack.codeWord)
  }

  /// What the catalogue has not.
  @Test(
    arguments: [
      ("CONTENT_LENGTH", " 2", "malformed-body"), ("CONTENT_LENGTH", "2 ", "malformed-body"),
      ("CONTENT_LENGTH", "3", "malformed-body"), ("CONTENT_LENGTH", "65537", "body-too-large"),
      ("HTTP_AUTHORIZATION", " Signed a.b.c", "malformed-authorization"),
      ("HTTP_AUTHORIZATION", "", "missing-authorization"),
      ("HTTP_AUTHORIZATION", "Signed a.b.c ", "malformed-token"),
      ("HTTP_AUTHORIZATION", "Signed a.b.c\r", "malformed-authorization"),
      ("HTTP_AUTHORIZATION", "Signed ", "malformed-authorization"),
      ("HTTP_AUTHORIZATION", "Signed a.b.c,", "malformed-authorization"),
      ("HTTP_X_SIGNATURE", "", "missing-x-signature"),
    ])
  func valueIsExplainedAsItWasAnswered(name: String, value: String, codeWord: String) throws {
    let good = [
      ("CONTENT_LENGTH", "2"), ("HTTP_AUTHORIZATION", "Signed a.b.c"),
      ("HTTP_X_SIGNATURE", "ES512 /api/webhook.key"),
    ]
    let kept = try Kept(good.map { $0.0 == name ? (name, value) : $0 })
    #expect(try kept.explainedCodeWord == codeWord)
    // The control.
    #expect(try Kept(good).explainedCodeWord == "malformed-token")
  }

  @Test func repeatedFieldsAreExplainedAsTheyWereAnswered() throws {
    for (name, codeWord) in [
      ("CONTENT_LENGTH", "malformed-body"), ("HTTP_AUTHORIZATION", "malformed-authorization"),
      ("HTTP_X_SIGNATURE", "malformed-x-signature"),
    ] {
      let kept = try Kept([
        ("HTTP_AUTHORIZATION", "Signed a.b.c"), ("HTTP_X_SIGNATURE", "ES512 /api/webhook.key"),
        (name, "2"), (name, "2"),
      ])
      #expect(try kept.explainedCodeWord == codeWord, "\(name)")
    }
  }
}
