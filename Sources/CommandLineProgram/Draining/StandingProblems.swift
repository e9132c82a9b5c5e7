internal import Synchronization
internal import WebhookCore

/// What keeps events from being handled just now. Any thread may say and ask.
final class StandingProblems: Sendable {
  enum Subject: Equatable {
    case spool, target
    /// What became of it cannot be recorded.
    case event(path: String)
  }

  /// More than this is for the log.
  private static let longest = 200

  private let problems = Mutex<[(subject: Subject, text: String)]>([])

  func begin(_ subject: Subject, _ text: String) {
    let text = String(printable(text).prefix(Self.longest))
    problems.withLock { problems in
      problems.removeAll { $0.subject == subject }
      problems.append((subject, text))
    }
  }

  func end(_ subject: Subject) {
    problems.withLock { $0.removeAll { $0.subject == subject } }
  }

  /// The one that began last, on one line of printable ASCII; nil if there is none.
  var last: String? { problems.withLock { $0.last?.text } }
}
