package import WebhookCore

package struct NoInstance: Error {}

/// The instance `acme` with the P-521 test key.
package func exampleInstance() throws -> Instance {
  guard let name = InstanceName("acme") else { throw NoInstance() }
  return Instance(
    name: name, url: "https://acme.delvesecurity.app", keys: try TestKey.p521.verificationKeys)
}

/// A verified event. The core makes it from a signed delivery, as it makes every event.
package func exampleEvent(
  id: String = "212", kind: String = "export", status: String = "done",
  issuedAt: Int64 = 1_790_000_000
) throws -> Event {
  let policy = DeliveryPolicy()
  let payload = examplePayload(id: id, kind: kind, status: status, issuedAt: issuedAt)
  let request = DeliveryRequest(
    authorization: [try authorization(payload: payload)],
    xSignature: [Array("ES512 /api/webhook.key".utf8)],
    body: try RequestBody(contentLength: [], ReceivedBody(under: policy), under: policy))
  return try acceptEvent(
    from: request, for: exampleInstance(), hook: nil, under: policy,
    now: Timestamp(seconds: issuedAt))
}
