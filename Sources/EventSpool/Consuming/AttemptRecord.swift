package import StrictJSON
package import WebhookCore

/// What has become of an event's handling so far: the file `<name>.state` beside an event that was
/// put off or given up on.
package struct AttemptRecord: Equatable, Sendable {
  /// How the last handler ended.
  package enum Ending: Equatable, Sendable {
    case exit(Int32)
    case signal(Int32)
    case timeLimit
    /// The consumer that had it in hand ended before it could say what came of it.
    case lost
    /// The file holds no event; no handler was started.
    case noEvent
    /// The target refused it, or asked for another time: an HTTP status or an SQLSTATE.
    case answer(String)
    /// The target did not answer.
    case noAnswer

    /// The word for it: the member of a record that tells it.
    package enum Kind: String, CaseIterable, Sendable {
      case exit, signal, timelimit, lost, noevent, answer, noanswer
    }

    var kind: Kind {
      switch self {
      case .exit: .exit
      case .signal: .signal
      case .timeLimit: .timelimit
      case .lost: .lost
      case .noEvent: .noevent
      case .answer: .answer
      case .noAnswer: .noanswer
      }
    }
  }

  /// Those that counted.
  package var attempts = 0
  /// Those that did not: the handler asked for another time.
  package var deferrals = 0
  package var lastAttempt: Timestamp?
  /// Nil if it is given up on.
  package var nextAttempt: Timestamp?
  package var ending: Ending?
  /// The last that the handler said on standard error, or the beginning of the answer.
  package var output = ""
  /// What has become of telling somebody that the event was given up; nil if that was not tried.
  package var notice: Notice?

  package init() {}

  /// How much of either is kept.
  package static let maximumOutputBytes = 4_096

  package static func fileName(for event: String) -> String { "\(event).state" }

  /// Whether a record of the event can have a name, and so can its draft (NAME_MAX).
  static func hasRoom(for event: String) -> Bool { fileName(for: event).utf8.count < 255 }

  /// The event whose record, or draft of a record, has this name; nil if it is no record's.
  static func eventName(ofFile name: String) -> String? {
    let name = name.drop { $0 == "." }
    return name.hasSuffix(".json.state") ? String(name.dropLast(6)) : nil
  }
}

// MARK: - When it is due

extension AttemptRecord {
  /// The longest that anybody puts an event off for; nothing that a clock has written is believed
  /// beyond it.
  private var longestDelaySeconds: Int64 {
    switch ending {
    case .answer, .noAnswer: Backoff.longestAskedSeconds
    case .exit, .signal, .timeLimit, .lost, .noEvent, nil: Backoff.ofEvents.longestPossibleSeconds
    }
  }

  /// Whether the event is to be tried again: at `nextAttempt`, or if the clock that wrote it cannot
  /// have been right.
  package func isDue(_ now: Timestamp) -> Bool {
    mayBeDue(now, last: lastAttempt, next: nextAttempt, longestDelaySeconds: longestDelaySeconds)
  }
}

/// Whether what was tried at `last` is to be tried again: at `next`, or if the clock that wrote it
/// cannot have been right.
func mayBeDue(
  _ now: Timestamp, last: Timestamp?, next: Timestamp?,
  longestDelaySeconds: Int64 = Backoff.ofEvents.longestPossibleSeconds
) -> Bool {
  guard let next = next?.seconds, next > now.seconds else { return true }
  let last = last?.seconds ?? now.seconds
  return last > now.seconds || next - last > longestDelaySeconds
    || next - now.seconds > longestDelaySeconds
}

// MARK: - As JSON

extension AttemptRecord {
  /// One line of JSON.
  package var line: [UInt8] { json.line }

  package var json: JSONObject {
    JSONObject([
      ("attempts", .number(attempts)), ("deferrals", .number(deferrals)),
      ("lastattempt", lastAttempt.map { .string($0.rfc3339) }),
      ("nextattempt", nextAttempt.map { .string($0.rfc3339) }),
      (endingKind.rawValue, ending?.value), (outputName, .string(output)),
      ("notice", notice.map { .object($0.json) }),
    ])
  }

  /// How the last attempt ended; a record without an ending has none to tell of.
  package var endingKind: Ending.Kind { ending?.kind ?? .exit }

  /// What the output is.
  package var outputName: String {
    switch ending {
    case .answer, .noAnswer: "text"
    case .exit, .signal, .timeLimit, .lost, .noEvent, nil: "stderr"
    }
  }

  /// Nil if `line` is not such a record.
  package init?(line: [UInt8]) {
    guard let object = (try? JSONValue(parsing: line))?.object,
      let attempts = object["attempts"]?.integer, let deferrals = object["deferrals"]?.integer
    else { return nil }
    self.attempts = Self.count(attempts)
    self.deferrals = Self.count(deferrals)
    lastAttempt = object["lastattempt"]?.string.flatMap(Timestamp.init(rfc3339:))
    nextAttempt = object["nextattempt"]?.string.flatMap(Timestamp.init(rfc3339:))
    ending = Ending(in: object)
    output = String(decoding: object[outputName]?.string ?? [], as: UTF8.self)
    notice = object["notice"]?.object.flatMap(Notice.init)
  }

  /// A writer of the spool can write any number: far more than there can be is none.
  static func count(_ number: Int64) -> Int { Int(min(max(0, number), 1_000_000)) }
}

extension AttemptRecord.Ending {
  /// Of the member `kind`.
  var value: JSONValue {
    switch self {
    case .exit(let number), .signal(let number): .number(number)
    case .timeLimit, .lost, .noEvent, .noAnswer: .boolean(true)
    case .answer(let code): .string(code)
    }
  }

  init?(in object: JSONObject) {
    func value(_ kind: Kind) -> JSONValue? { object[kind.rawValue] }
    if let code = value(.exit)?.integer {
      self = .exit(Int32(clamping: code))
    } else if let signal = value(.signal)?.integer {
      self = .signal(Int32(clamping: signal))
    } else if value(.timelimit) == .boolean(true) {
      self = .timeLimit
    } else if value(.lost) == .boolean(true) {
      self = .lost
    } else if value(.noevent) == .boolean(true) {
      self = .noEvent
    } else if let code = value(.answer)?.string {
      self = .answer(String(decoding: code, as: UTF8.self))
    } else if value(.noanswer) == .boolean(true) {
      self = .noAnswer
    } else {
      return nil
    }
  }

  /// For a person and a line of the log: a name and a value.
  package var field: (name: String, value: String) {
    switch self {
    case .exit(let code): ("exit", "\(code)")
    case .signal(let number): ("signal", "\(number)")
    case .timeLimit: ("problem", "over the time limit")
    case .lost: ("problem", "the program that had it in hand ended")
    case .noEvent: ("problem", "no event")
    case .answer(let code): ("answer", code)
    case .noAnswer: ("problem", "no answer")
    }
  }
}

extension AttemptRecord {
  /// How the last attempt ended, as in `exit=65`; nil if the record does not say. It may hold any
  /// character.
  package var how: String? {
    ending.map { ending in
      let (name, value) = ending.field
      return name == "problem" ? value : "\(name)=\(value)"
    }
  }
}
