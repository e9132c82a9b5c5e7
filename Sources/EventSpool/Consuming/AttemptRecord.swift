internal import Glibc
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
    /// The file holds no event; no handler was started.
    case noEvent
    /// Whom it was forwarded to refused it, or asked for another time: an HTTP status or an SQLSTATE.
    case answer(String)
    /// Whom it was to be forwarded to did not answer.
    case noAnswer
  }

  /// Those that counted.
  package var attempts = 0
  /// Those that did not: the handler asked for another time.
  package var deferrals = 0
  package var lastAttempt: Timestamp?
  /// Nil where it is given up on.
  package var nextAttempt: Timestamp?
  package var ending: Ending?
  /// The last that the handler said on standard error, or the beginning of the answer.
  package var output = ""

  package init() {}

  /// How much of either is kept.
  package static let maximumOutputBytes = 4_096

  package static func fileName(for event: String) -> String { "\(event).state" }
}

extension AttemptRecord {
  /// One line of JSON.
  package var line: [UInt8] {
    JSONValue.object(JSONObject(members)).compactText + [UInt8(ascii: "\n")]
  }

  package var members: [(name: String, value: JSONValue)] {
    var members: [(name: String, value: JSONValue)] = [
      ("attempts", .number(Int64(attempts))), ("deferrals", .number(Int64(deferrals))),
    ]
    if let lastAttempt { members.append(("lastattempt", .string(lastAttempt.rfc3339))) }
    if let nextAttempt { members.append(("nextattempt", .string(nextAttempt.rfc3339))) }
    switch ending {
    case .exit(let code): members.append(("exit", .number(Int64(code))))
    case .signal(let number): members.append(("signal", .number(Int64(number))))
    case .timeLimit: members.append(("timelimit", .boolean(true)))
    case .noEvent: members.append(("noevent", .boolean(true)))
    case .answer(let code): members.append(("answer", .string(code)))
    case .noAnswer: members.append(("noanswer", .boolean(true)))
    case nil: break
    }
    members.append((outputName, .string(output)))
    return members
  }

  /// What the output is.
  package var outputName: String {
    switch ending {
    case .answer, .noAnswer: "text"
    case .exit, .signal, .timeLimit, .noEvent, nil: "stderr"
    }
  }

  /// Nil if `line` is no such record.
  package init?(line: [UInt8]) {
    guard let object = (try? JSONValue(parsing: line))?.object,
      let attempts = object["attempts"]?.number.flatMap(number),
      let deferrals = object["deferrals"]?.number.flatMap(number)
    else { return nil }
    // Far more than there can be; whoever can write the spool can write any number.
    self.attempts = Int(min(max(0, attempts), 1_000_000))
    self.deferrals = Int(min(max(0, deferrals), 1_000_000))
    lastAttempt = object["lastattempt"]?.string.flatMap(Timestamp.init(rfc3339:))
    nextAttempt = object["nextattempt"]?.string.flatMap(Timestamp.init(rfc3339:))
    if let code = object["exit"]?.number.flatMap(number) {
      ending = .exit(Int32(clamping: code))
    } else if let signal = object["signal"]?.number.flatMap(number) {
      ending = .signal(Int32(clamping: signal))
    } else if object["timelimit"] == .boolean(true) {
      ending = .timeLimit
    } else if object["noevent"] == .boolean(true) {
      ending = .noEvent
    } else if let code = object["answer"]?.string {
      ending = .answer(String(decoding: code, as: UTF8.self))
    } else if object["noanswer"] == .boolean(true) {
      ending = .noAnswer
    }
    output = String(decoding: object[outputName]?.string ?? [], as: UTF8.self)
  }
}

extension AttemptRecord.Ending {
  /// For a line of the log.
  package var logField: String {
    switch self {
    case .exit(let code): "exit=\(code)"
    case .signal(let number): "signal=\(number)"
    case .timeLimit: "problem=\"over the time limit\""
    case .noEvent: "problem=\"no event\""
    case .answer(let code): "answer=\(printable(code))"
    case .noAnswer: "problem=\"no answer\""
    }
  }
}

private func number(_ spelling: [UInt8]) -> Int64? {
  Int64(String(decoding: spelling, as: UTF8.self))
}

extension Timestamp {
  /// Of `2026-11-24T17:14:10.042Z`; the fraction is dropped.
  fileprivate init?(rfc3339 text: [UInt8]) {
    let text = String(decoding: text, as: UTF8.self)
    let whole = text.utf8.count == 24 ? String(text.prefix(19)) + "Z" : text
    guard let seconds = CalendarDate.seconds(rfc3339: whole) else { return nil }
    self.init(seconds: seconds, milliseconds: 0)
  }
}

/// When to try again what has failed or was put off `count` times: after ten seconds, then after
/// twice as long each time, up to an hour.
/// - Parameter jitter: 0 to 1; takes up to a quarter off the delay or adds one, so that what failed
///   together is not tried together.
package func retryTime(after count: Int, _ now: Timestamp, jitter: Double) -> Timestamp {
  let delay = min(3_600, Int64(10) << min(Int64(count - 1), 20))
  return Timestamp(seconds: now.seconds + Int64((Double(delay) * (0.75 + jitter / 2)).rounded()))
}
