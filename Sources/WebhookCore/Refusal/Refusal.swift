/// Why a delivery was not stored: the reason, and what the operator's log may say besides.
///
/// Nothing in here can carry a byte of the sender.
package struct Refusal: Error, Equatable, Sendable {
  package let reason: Reason
  package let detail: Detail?

  /// What an operator can do; nil if only the sender can do something.
  package let remedy: String?

  /// - Parameter remedy: in the place of the reason's own.
  package init(_ reason: Reason, _ detail: Detail? = nil, remedy: String? = nil) {
    self.reason = reason
    self.detail = detail
    self.remedy = remedy ?? reason.facts.remedy
  }

  package enum Detail: Equatable, Sendable {
    /// By how much a time lies outside of what is accepted.
    case seconds(Int64)
    case limit(bytes: Int)
    case allowed(AllowedMethods)
    case parameter(Parameter, ParameterProblem)
    /// `path` is our own, never the sender's.
    case systemCall(String, path: String, errno: Int32)
    /// The same.
    case path(String)
  }

  package enum AllowedMethods: String, Sendable {
    case delivery = "POST"
    case reading = "GET, HEAD"
  }

  /// The parameters that only the web server's configuration sets.
  package enum Parameter: String, Sendable {
    case requestMethod = "REQUEST_METHOD"
    case instance = "DELVE_INSTANCE"
    case hook = "DELVE_HOOK"
  }

  package enum ParameterProblem: String, Sendable {
    case missing, empty, unknown
    case repeated = "sent twice"
  }
}
