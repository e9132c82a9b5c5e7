/// Turns a delivery into the event to store. No I/O and no clock in here: equal input, equal
/// answer.
///
/// Cheap checks come first. Each step takes what the one before returned, so a step
/// that makes a type cannot be left out. Configuration, method and the body's size come before:
/// `Route` and `RequestBody`.
/// - Throws: the first reason in this order for not storing it.
package func acceptEvent(
  from request: DeliveryRequest, for instance: Instance, hook: Hook?,
  under policy: DeliveryPolicy, now: Timestamp
) throws(Refusal) -> Event {
  let headers = try SignatureHeaders(
    of: request, maxTokenBytes: policy.maxTokenBytes, xSignature: instance.xSignature)
  let token = try UnverifiedToken(
    compact: headers.compactJWS, allowing: instance.usableAlgorithms)
  let xSignature = try instance.xSignature.check(headers.xSignature, names: token.algorithm)
  let verified = try token.verified(by: instance.keys)
  let claims = try Claims(of: verified)
  try policy.freshness.check(claims, now: now)
  try instance.checkAudience(of: claims)
  try hook?.check(claims)
  try policy.body.check(request.body, against: claims)
  return Event(
    claims, proof: verified, xSignature: xSignature, request: request, instance: instance,
    hook: hook, recordedAt: now)
}
