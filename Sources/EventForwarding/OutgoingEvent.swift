internal import StrictJSON
internal import WebhookCore

/// An event as it leaves the machine.
struct OutgoingEvent {
  /// The attributes that a target may keep apart: printable ASCII, so that none can hold what ends
  /// a C string.
  let source, id, eventKey, type, subject, time, recordedTime, instance: String
  /// One line of JSON, a CloudEvents 1.0 structured event: those attributes that the table lets
  /// out.
  let json: [UInt8]
  /// Whether something went wrong with it before.
  let isSuspect: Bool

  /// Nil unless `line` is an event of ours.
  /// - Parameter withProof: also the token, the header beside it, and how the delivery came.
  init?(line: [UInt8], withProof: Bool, isSuspect: Bool = false) {
    guard let stored = StoredEvent(line: line) else { return nil }
    func text(_ attribute: EventAttribute) -> String? {
      let text = stored[attribute]
      return !text.isEmpty && text.utf8.allSatisfy { (0x20...0x7E).contains($0) } ? text : nil
    }
    guard let source = text(.source), let id = text(.id), let eventKey = text(.eventkey),
      let type = text(.type), let subject = text(.subject), let time = text(.time),
      let recordedTime = text(.recordedtime), let instance = text(.instance)
    else { return nil }
    (self.source, self.id, self.eventKey, self.type) = (source, id, eventKey, type)
    (self.subject, self.time, self.recordedTime, self.instance) =
      (subject, time, recordedTime, instance)
    let rules: EventAttribute.Rules = withProof ? [.leaves, .leavesWithProof] : .leaves
    self.isSuspect = isSuspect
    json = stored.attributes(with: rules).text
  }
}
