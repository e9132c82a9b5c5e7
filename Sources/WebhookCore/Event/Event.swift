internal import StrictJSON

/// A verified event, ready to be stored. Only `acceptEvent` can make one, and nothing else can be
/// published.
package struct Event: Sendable {
  package let id: EventID
  package let fileName: EventFileName
  /// The hour of `iat`, as `YYYYMMDDThh`.
  package let issuedHour: String
  private let claims: Claims
  private let proof: VerifiedToken
  private let xSignature: [UInt8]?
  private let request: DeliveryRequest
  private let instance: Instance
  private let hook: Hook?
  private let recordedAt: Timestamp

  init(
    _ claims: Claims, proof: VerifiedToken, xSignature: [UInt8]?, request: DeliveryRequest,
    instance: Instance, hook: Hook?, recordedAt: Timestamp
  ) {
    id = EventID(ofPayload: proof.payload)
    fileName = EventFileName(of: claims, id: id)
    issuedHour = CalendarDate(secondsSince1970: claims.issuedAt.seconds).basicHour
    self.claims = claims
    self.proof = proof
    self.xSignature = xSignature
    self.request = request
    self.instance = instance
    self.hook = hook
    self.recordedAt = recordedAt
  }

  /// The event file: one line of JSON, a CloudEvents 1.0 structured event, and a newline. Made anew
  /// each time: a duplicate needs none.
  package var line: [UInt8] {
    let signed = SignedAttributes(of: claims)
    var file = EventLine()
    file.append("specversion", "1.0")
    file.append("id", id.hex)
    file.append("source", "\(instance.url)#\(instance.name)")
    file.append("type", signed.type)
    file.append("subject", signed.subject)
    file.append("time", signed.time)
    file.append("datacontenttype", "application/json")
    file.append("data", json: compactJSON(proof.payload))
    file.append("recordedtime", recordedAt.rfc3339)
    file.append("instance", instance.name.description)
    if let hook { file.append("hook", hook.rawValue) }
    file.append("requesturi", contextAttribute(request.requestURI, maxBytes: 2048))
    file.append("remoteaddr", contextAttribute(request.remoteAddress, maxBytes: 256))
    file.append("eventkey", eventKey(of: claims.payload))
    file.append("keyid", proof.keyID.text)
    if let xSignature { file.append("xsignature", xSignature) }
    file.append("jws", proof.compact)
    return file.finished()
  }
}

/// One JSON object on one line, written member by member.
private struct EventLine {
  private var text: [UInt8] = []

  init() {
    text.reserveCapacity(2_048)  // most have some 1,200
    text.append(UInt8(ascii: "{"))
  }

  mutating func append(_ name: String, json: [UInt8]) {
    append(name: name)
    text.append(contentsOf: json)
  }

  /// An empty value is left out: a context attribute must not be empty (CloudEvents 1.0.2 §3.1).
  mutating func append(_ name: String, _ value: [UInt8]) {
    guard !value.isEmpty else { return }
    append(name: name)
    appendJSONString(value, to: &text)
  }

  mutating func append(_ name: String, _ value: String) {
    guard !value.isEmpty else { return }
    append(name: name)
    appendJSONString(value, to: &text)
  }

  private mutating func append(name: String) {
    if text.count > 1 { text.append(UInt8(ascii: ",")) }
    appendJSONString(name, to: &text)
    text.append(UInt8(ascii: ":"))
  }

  consuming func finished() -> [UInt8] {
    text += "}\n".utf8
    return text
  }
}
