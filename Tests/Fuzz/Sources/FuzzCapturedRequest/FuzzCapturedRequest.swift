import CommandLineProgram
import LinuxSystem
import StrictJSON
import WebhookCore

@testable import OperatorCommands

/// Whatever somebody captured is a request that is explained, or is refused with a sentence. The
/// answer is the core's own, and each step is told once.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = Array(UnsafeBufferPointer(start: data, count: count))
  let request: CapturedRequest
  do throws(CommandError) {
    request = try CapturedRequest(parsing: text)
  } catch {
    precondition(!error.description.isEmpty)
    return 0
  }
  precondition(request.body.count <= text.count)
  precondition(request.fields.allSatisfy { $0.name == $0.name.lowercased() })
  precondition(!request.isTokenAlone || request["x-signature"].isEmpty)
  let facts = KeptFacts(of: request)
  precondition(request.isKept || (facts.instance == nil && facts.problem == nil))
  let question = Question(
    request: request, instance: instance, hook: facts.hook, policy: DeliveryPolicy(),
    now: facts.time ?? Timestamp(seconds: 1_790_000_000))
  let explanation = Explanation(question)
  precondition(explanation.steps.map(\.step) == DecisionStep.allCases)
  precondition(
    (explanation.refusal == nil) == explanation.steps.allSatisfy { $0.verdict == .passed })
  let json = explanation.json.line
  precondition((try? JSONValue(parsing: json)) != nil)
  precondition(!json.dropLast().contains { $0 < 0x20 })
  return 0
}

private let instance = makeInstance()

private func makeInstance() -> Instance {
  do {
    let keys = try contents(ofFile: "../Attacks/keys/p521.pem", maxBytes: 1 << 16)
    guard let name = InstanceName("acme") else { preconditionFailure("no name") }
    return Instance(
      name: name, url: "https://acme.delvesecurity.app", keys: try KeyFile(parsing: keys).keys)
  } catch {
    preconditionFailure("\(error)")
  }
}
