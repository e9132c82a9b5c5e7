internal import StrictJSON
internal import TestSupport
internal import WebhookCore

/// A delivery's whole way through the core, as `WebhookResponder` takes it, with defaults for
/// everything that a test does not care about.
struct Decision {
  static let now: Int64 = 1_790_000_000

  var instance: [[UInt8]] = []
  var hook: [[UInt8]] = []
  var method = "POST"
  var authorization: [[UInt8]] = []
  var xSignature: [[UInt8]] = [Array("ES512 /api/webhook.key".utf8)]
  var body: [UInt8] = Array("{}".utf8)
  var requestURI: [UInt8] = Array("/webhooks/delve/any".utf8)
  var now = Decision.now
  var policy = DeliveryPolicy()
  var instances: [Instance]

  init(
    keys: [VerificationKey], algorithms: [SignatureAlgorithm] = [.es512],
    xSignatureRule: XSignatureRule = XSignatureRule(), audience: [String] = []
  ) throws {
    let name = try required(InstanceName("acme"))
    instances = [
      Instance(
        name: name, url: "https://acme.delvesecurity.app", keys: keys, algorithms: algorithms,
        xSignature: xSignatureRule, audience: audience)
    ]
  }

  /// A good delivery of `payload`, signed with the P-521 test key.
  init(payload: String) throws {
    try self.init(keys: TestKey.p521.verificationKeys)
    authorization = [try TestSupport.authorization(payload: payload)]
  }

  func event() throws(Refusal) -> Event {
    let route = try Route(instance: instance, hook: hook, among: instances)
    try route.checkMethod(Array(method.utf8))
    guard case .delivery(let instance, let hook) = route else {
      preconditionFailure("the decision of a health check is not the core's")
    }
    var received = ReceivedBody(under: policy)
    received.append(self.body)
    let body = try RequestBody(contentLength: [], received, under: policy)
    let request = DeliveryRequest(
      authorization: authorization, xSignature: xSignature, body: body, requestURI: requestURI,
      remoteAddress: Array("192.0.2.7".utf8))
    return try acceptEvent(
      from: request, for: instance, hook: hook, under: policy,
      now: Timestamp(seconds: now, milliseconds: 42))
  }

  var refusal: Refusal? {
    do throws(Refusal) {
      _ = try event()
      return nil
    } catch {
      return error
    }
  }
}

struct Missing: Error {}

func required<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw Missing() }
  return value
}
