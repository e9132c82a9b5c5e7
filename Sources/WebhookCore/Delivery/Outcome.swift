/// What became of a request. Status, code word, answer and log line come from it alone.
package enum Outcome: Equatable, Sendable {
  case stored(EventID)
  case duplicate(EventID)
  case healthy
  case refused(Refusal)

  package var status: Int {
    switch self {
    case .stored: 202
    case .duplicate, .healthy: 200
    case .refused(let refusal): refusal.reason.status
    }
  }

  package var codeWord: String {
    switch self {
    case .stored: "stored"
    case .duplicate: "duplicate"
    case .healthy: "healthy"
    case .refused(let refusal): refusal.reason.rawValue
    }
  }
}
