/// The result of a request. Status, code word, answer and log line come only from it; a page that is
/// shown brings its own body.
package enum Outcome: Equatable, Sendable {
  case stored(AcceptedEvent)
  case duplicate(AcceptedEvent)
  case healthy
  /// What the program does was shown to somebody who may see it.
  case shown
  case refused(Refusal)

  package var status: HTTPStatus {
    switch self {
    case .stored: .accepted
    case .duplicate, .healthy, .shown: .ok
    case .refused(let refusal): refusal.reason.status
    }
  }

  package var codeWord: String {
    switch self {
    case .stored: DeliveryAnswer.stored.codeWord
    case .duplicate: DeliveryAnswer.duplicate.codeWord
    case .healthy: "healthy"
    case .shown: "shown"
    case .refused(let refusal): refusal.reason.codeWord
    }
  }
}

/// What is said of an event whose signature holds, in the answer, the log and the status page.
package struct AcceptedEvent: Equatable, Sendable {
  package let id: EventID
  /// Kind and claim id, as in `scan/123`; the event's attribute `subject`.
  package let subject: String
  /// The hook that takes events of its kind; nil if none does.
  package let kind: Hook?

  package init(id: EventID, subject: String, kind: Hook?) {
    (self.id, self.subject, self.kind) = (id, subject, kind)
  }
}

/// The answer to a delivery, without what it says of this one: what deliveries are counted by.
package enum DeliveryAnswer: Hashable, Sendable {
  case stored, duplicate
  case refused(Refusal.Reason)

  /// Nil if the outcome is no delivery's.
  package init?(_ outcome: Outcome) {
    switch outcome {
    case .stored: self = .stored
    case .duplicate: self = .duplicate
    case .refused(let refusal): self = .refused(refusal.reason)
    case .healthy, .shown: return nil
    }
  }

  package var codeWord: String {
    switch self {
    case .stored: "stored"
    case .duplicate: "duplicate"
    case .refused(let reason): reason.codeWord
    }
  }

  package var isRefusal: Bool { if case .refused = self { true } else { false } }
}
