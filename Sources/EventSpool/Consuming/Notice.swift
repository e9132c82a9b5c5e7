package import StrictJSON
package import WebhookCore

/// What has become of telling somebody that an event was given up: the member `notice` of its record,
/// which goes with the record if the event is tried again.
package struct Notice: Equatable, Sendable {
  /// How often it was tried.
  package var attempts = 0
  package var lastAttempt: Timestamp?
  /// Nil once somebody was told.
  package var nextAttempt: Timestamp?
  /// How the last command ended.
  package var ending: AttemptRecord.Ending?
  /// The last that it said on standard error.
  package var output = ""

  package init() {}

  package var isTold: Bool { ending == .exit(0) }

  /// Whether somebody is to be told now.
  package func isDue(_ now: Timestamp) -> Bool {
    !isTold && mayBeDue(now, last: lastAttempt, next: nextAttempt)
  }
}

// MARK: - As JSON

extension Notice {
  package var json: JSONObject {
    JSONObject([
      ("attempts", .number(attempts)),
      ("lastattempt", lastAttempt.map { .string($0.rfc3339) }),
      ("nextattempt", nextAttempt.map { .string($0.rfc3339) }),
      ending.map { ($0.kind.rawValue, $0.value) } ?? ("", nil), ("stderr", .string(output)),
    ])
  }

  /// Nil if `object` is no notice.
  init?(_ object: JSONObject) {
    guard let attempts = object["attempts"]?.integer else { return nil }
    self.attempts = AttemptRecord.count(attempts)
    lastAttempt = object["lastattempt"]?.string.flatMap(Timestamp.init(rfc3339:))
    nextAttempt = object["nextattempt"]?.string.flatMap(Timestamp.init(rfc3339:))
    ending = AttemptRecord.Ending(in: object)
    output = String(decoding: object["stderr"]?.string ?? [], as: UTF8.self)
  }
}
