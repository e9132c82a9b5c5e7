/// What became of a request. Status, code word, answer and log line come only from it.
package enum Outcome: Equatable, Sendable {
  case stored(EventID)
  case duplicate(EventID)
  case healthy
  case refused(Refusal)

  package var status: HTTPStatus {
    switch self {
    case .stored: .accepted
    case .duplicate, .healthy: .ok
    case .refused(let refusal): refusal.reason.status
    }
  }

  package var codeWord: String {
    switch self {
    case .stored: "stored"
    case .duplicate: "duplicate"
    case .healthy: "healthy"
    case .refused(let refusal): refusal.reason.codeWord
    }
  }
}
