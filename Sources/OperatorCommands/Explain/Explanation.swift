internal import EventSpool
internal import StrictJSON
internal import WebhookCore

/// A captured delivery, and what it is to be decided by.
struct Question {
  let request: CapturedRequest
  let instance: Instance
  let hook: Hook?
  let policy: DeliveryPolicy
  let now: Timestamp

  /// The core's own decision.
  fileprivate func event() throws(Refusal) -> Event {
    try Route.delivery(instance, hook).checkMethod(request.method)
    let delivery = DeliveryRequest(
      authorization: request["authorization"], xSignature: request["x-signature"],
      body: try body(), requestURI: request.target)
    return try acceptEvent(
      from: delivery, for: instance, hook: hook, under: policy, now: now)
  }

  /// As the responder reads it: to `Content-Length`, or to the end.
  private func body() throws(Refusal) -> RequestBody {
    var received = ReceivedBody(under: policy)
    received.append(request.body)
    return try RequestBody(
      contentLength: request["content-length"], received, under: policy)
  }
}

/// A decision, step by step: the steps before the one that refuses were passed, those behind it
/// were not reached.
struct Explanation {
  enum Verdict: String {
    case passed, refused
    case notReached = "not reached"
  }

  let refusal: Refusal?
  let steps: [(step: DecisionStep, verdict: Verdict, note: String)]

  init(_ question: Question) {
    var notes: [DecisionStep: String] = [:]
    notes[.configuration] =
      "instance \(question.instance.name), "
      + (question.hook.map { "hook \($0.rawValue)" } ?? "any hook")
    var refusal: Refusal?
    do throws(Refusal) {
      notes.merge(Self.notes(on: try question.event(), question.now)) { $1 }
    } catch {
      refusal = error
    }
    // A reason of the core has a step.
    let refusing = refusal?.reason.facts.step
    if let refusing { notes[refusing] = refusal?.explanation }
    let last = refusing.flatMap(DecisionStep.allCases.firstIndex) ?? .max
    self.refusal = refusal
    steps = DecisionStep.allCases.enumerated().map { index, step in
      let verdict: Verdict =
        if index < last { .passed } else if index == last { .refused } else { .notReached }
      return (step, verdict, notes[step] ?? "")
    }
  }

  /// The location of the web server that the request came to is configured wrongly.
  init(misconfigured problem: String) {
    let refusal = Refusal(.misconfigured)
    self.refusal = refusal
    steps = DecisionStep.allCases.map { step in
      step == refusal.reason.facts.step
        ? (step, .refused, printable("\(problem); \(refusal.explanation)"))
        : (step, .notReached, "")
    }
  }

  private static func notes(on event: Event, _ now: Timestamp) -> [DecisionStep: String] {
    guard let stored = StoredEvent(line: event.line) else { return [:] }
    return [
      .signature: "made by the key with the thumbprint \(stored[.keyid])",
      .claims: printable("\(stored[.type]), \(stored[.subject])"),
      .freshness: "issued at \(stored[.time]), looked at \(now.rfc3339)",
      .body: "it would be stored as \(event.fileName), unless the spool has it already",
    ]
  }

  // MARK: The answer

  var status: HTTPStatus { refusal?.reason.status ?? .accepted }
  var codeWord: String { refusal?.reason.codeWord ?? "stored" }

  var json: JSONObject {
    let steps = steps.map { step, verdict, note -> JSONValue in
      .object([
        "step": .string(step.rawValue), "verdict": .string(verdict.rawValue),
        "note": note.isEmpty ? nil : .string(note),
      ])
    }
    return [
      "status": .number(status.rawValue), "code": .string(codeWord), "steps": .array(steps),
    ]
  }
}

extension Refusal {
  /// What is wrong with the delivery, and what can be done, in words for an operator.
  fileprivate var explanation: String {
    let facts = reason.facts
    var sentence = "\(facts.codeWord): \(facts.sentence)"
    switch detail {
    case .seconds(let seconds): sentence += ", by \(seconds) s"
    case .limit(let bytes): sentence += " (\(bytes) bytes)"
    case .allowed(let methods): sentence += " (\(methods.rawValue))"
    case .parameter, .systemCall, .path, nil: break
    }
    return facts.remedy.map { "\(sentence); \($0)" } ?? sentence
  }
}
