internal import StrictJSON

/// A verified event, ready to be stored. Only `acceptEvent` can make one, and nothing else can be
/// published.
package struct Event: Sendable {
  package let id: EventID
  /// The hour of `iat`, as `YYYYMMDDThh`.
  package let issuedHour: String
  private let claims: Claims
  private let signed: SignedAttributes
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
    issuedHour = CalendarDate(secondsSince1970: claims.issuedAt.seconds).basicHour
    self.claims = claims
    signed = SignedAttributes(of: claims)
    self.proof = proof
    self.xSignature = xSignature
    self.request = request
    self.instance = instance
    self.hook = hook
    self.recordedAt = recordedAt
  }

  /// What is said of it elsewhere.
  package var summary: AcceptedEvent {
    AcceptedEvent(
      id: id, subject: String(decoding: signed.subject, as: UTF8.self),
      kind: Hook(takingKind: claims.kind, status: claims.status))
  }

  /// The token, as it came.
  package var jws: [UInt8] { proof.compact }

  /// The name of the event's file, `EventFileName`. Made at each call: a duplicate needs none.
  package var fileName: String { eventFileName(of: claims, id: id) }

  /// The event file: one line of JSON, a CloudEvents 1.0 structured event, and a newline. Made at
  /// each call: a duplicate needs none.
  package var line: [UInt8] {
    var file = EventLine()
    for attribute in EventAttribute.allCases {
      switch attribute {
      case .specversion: file.append(attribute, "1.0")
      case .id: file.append(attribute, id.hex)
      case .source: file.append(attribute, eventSource(of: instance.name, at: instance.url))
      case .type: file.append(attribute, signed.type)
      case .subject: file.append(attribute, signed.subject)
      case .time: file.append(attribute, signed.time)
      case .datacontenttype: file.append(attribute, "application/json")
      case .data: file.append(attribute, json: compactJSON(proof.payload))
      case .recordedtime: file.append(attribute, recordedAt.rfc3339)
      case .instance: file.append(attribute, instance.name.description)
      case .hook: file.append(attribute, hook?.rawValue ?? "")
      case .requesturi:
        file.append(attribute, contextAttribute(request.requestURI, maxBytes: 2048))
      case .remoteaddr:
        file.append(attribute, contextAttribute(request.remoteAddress, maxBytes: 256))
      case .eventkey: file.append(attribute, eventKey(of: claims.payload))
      case .keyid: file.append(attribute, proof.keyID.text)
      case .xsignature: file.append(attribute, xSignature ?? [])
      case .jws: file.append(attribute, proof.compact)
      }
    }
    return file.finished()
  }
}

/// Where the events of an instance come from: its URL, and its name as the fragment.
func eventSource(of instance: InstanceName, at url: String) -> String { "\(url)#\(instance)" }

/// One JSON object on one line, written member by member.
private struct EventLine {
  private var text: [UInt8] = []

  init() {
    text.reserveCapacity(2_048)  // most have some 1,200
    text.append(UInt8(ascii: "{"))
  }

  mutating func append(_ attribute: EventAttribute, json: [UInt8]) {
    append(name: attribute)
    text.append(contentsOf: json)
  }

  /// An empty value is left out: a context attribute must not be empty (CloudEvents 1.0.2 §3.1).
  mutating func append(_ attribute: EventAttribute, _ value: [UInt8]) {
    guard !value.isEmpty else { return }
    append(name: attribute)
    appendJSONString(value, to: &text)
  }

  mutating func append(_ attribute: EventAttribute, _ value: String) {
    guard !value.isEmpty else { return }
    append(name: attribute)
    appendJSONString(value, to: &text)
  }

  private mutating func append(name: EventAttribute) {
    if text.count > 1 { text.append(UInt8(ascii: ",")) }
    appendJSONString(name.rawValue, to: &text)
    text.append(UInt8(ascii: ":"))
  }

  consuming func finished() -> [UInt8] {
    text += "}\n".utf8
    return text
  }
}
