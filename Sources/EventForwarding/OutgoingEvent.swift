internal import StrictJSON
internal import WebhookCore

/// An event as it leaves the machine.
struct OutgoingEvent {
  /// The attributes that a target may keep apart: printable ASCII, so that none can hold what ends a
  /// C string.
  let source, id, eventKey, type, subject, time, recordedTime, instance: String
  /// One line of JSON, a CloudEvents 1.0 structured event.
  let json: [UInt8]

  /// Nil unless `line` is an event of ours.
  /// - Parameter withProof: also the token, the header beside it, and how the delivery came.
  init?(line: [UInt8], withProof: Bool) {
    guard let stored = StoredEvent(line: line) else { return nil }
    let names = [
      "source", "id", "eventkey", "type", "subject", "time", "recordedtime", "instance",
    ]
    let values = names.map { stored[$0] }
    guard
      values.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x20...0x7E).contains($0) } })
    else { return nil }
    (source, id, eventKey, type) = (values[0], values[1], values[2], values[3])
    (subject, time, recordedTime, instance) = (values[4], values[5], values[6], values[7])
    let attributes =
      withProof
      ? stored.attributes
      : stored.attributes.removing("jws", "xsignature", "remoteaddr", "requesturi")
    json = JSONValue.object(attributes).compactText
  }
}
