internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

/// A decision, step by step. It is the core's own: the steps before the one that refuses were
/// passed, those behind it were not reached.
struct Explanation {
  enum Verdict: String {
    case passed, refused
    case notReached = "not reached"
  }

  let refusal: Refusal?
  let steps: [(step: DecisionStep, verdict: Verdict, note: String)]

  init(
    of request: CapturedRequest, for instance: Instance, hook: Hook?, under policy: DeliveryPolicy,
    now: Timestamp
  ) {
    var notes: [DecisionStep: String] = [:]
    let decided = Self.refusal(
      of: request, for: instance, hook: hook, under: policy, now: now, notes: &notes)
    refusal = decided
    // A reason of the core has a step.
    let last = decided?.reason.step.flatMap(DecisionStep.allCases.firstIndex) ?? .max
    steps = DecisionStep.allCases.enumerated().map { index, step in
      let verdict: Verdict = index < last ? .passed : index == last ? .refused : .notReached
      let note =
        verdict == .refused ? decided?.explanation : verdict == .passed ? notes[step] : nil
      return (step, verdict, note ?? "")
    }
  }

  private static func refusal(
    of request: CapturedRequest, for instance: Instance, hook: Hook?, under policy: DeliveryPolicy,
    now: Timestamp, notes: inout [DecisionStep: String]
  ) -> Refusal? {
    notes[.configuration] =
      "instance \(instance.name), " + (hook.map { "hook \($0.rawValue)" } ?? "any hook")
    do throws(Refusal) {
      try Route.delivery(instance, hook).checkMethod(request.method)
      let delivery = DeliveryRequest(
        authorization: request["authorization"], xSignature: request["x-signature"],
        body: try body(of: request, under: policy), requestURI: request.target)
      let event = try acceptEvent(
        from: delivery, for: instance, hook: hook, under: policy, now: now)
      note(event, now, in: &notes)
      return nil
    } catch {
      return error
    }
  }

  /// As the gateway reads it: to `Content-Length`, or to the end.
  private static func body(
    of request: CapturedRequest, under policy: DeliveryPolicy
  ) throws(Refusal) -> RequestBody {
    let lengths = request["content-length"]
    let declared = lengths.first.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
    guard lengths.isEmpty || (lengths.count == 1 && declared.map { $0 >= 0 } ?? false) else {
      throw Refusal(.malformedBody)
    }
    var body = try RequestBody(declaredBytes: declared, under: policy)
    try body.append(request.body.prefix(declared ?? .max))
    guard request.body.count >= declared ?? 0 else { throw Refusal(.malformedBody) }
    return body
  }

  private static func note(
    _ event: Event, _ now: Timestamp, in notes: inout [DecisionStep: String]
  ) {
    guard let stored = StoredEvent(line: event.line) else { return }
    notes[.signature] = "made by the key with the thumbprint \(stored["keyid"])"
    notes[.claims] = printable("\(stored["type"]), \(stored["subject"])")
    notes[.freshness] = "issued at \(stored["time"]), looked at \(now.rfc3339)"
    notes[.body] = "it would be stored as \(event.fileName), unless the spool has it already"
  }

  /// One line of JSON.
  var json: String {
    let outcome = refusal.map { ($0.reason.status, $0.reason.rawValue) } ?? (202, "stored")
    let steps = steps.map { step -> JSONValue in
      var members: [(name: String, value: JSONValue)] = [
        ("step", .string(step.step.rawValue)), ("verdict", .string(step.verdict.rawValue)),
      ]
      if !step.note.isEmpty { members.append(("note", .string(step.note))) }
      return .object(JSONObject(members))
    }
    let object = JSONObject([
      ("status", .number(Int64(outcome.0))), ("code", .string(outcome.1)), ("steps", .array(steps)),
    ])
    return String(decoding: JSONValue.object(object).compactText, as: UTF8.self)
  }
}
