/// Why a delivery was not stored: the reason, and what the operator's log may say besides.
///
/// Nothing in here can carry a byte of the sender.
package struct Refusal: Error, Equatable, Sendable {
  package let reason: Reason
  package let detail: Detail?

  package init(_ reason: Reason, _ detail: Detail? = nil) {
    self.reason = reason
    self.detail = detail
  }

  /// The raw value is the code word: once released, it is never changed or reused.
  package enum Reason: String, CaseIterable, Sendable {
    // The web server's configuration.
    case misconfigured
    // The request as such.
    case method
    case malformedBody = "malformed-body"
    case bodyTooLarge = "body-too-large"
    // Its header fields.
    case tokenTooLarge = "token-too-large"
    case missingAuthorization = "missing-authorization"
    case malformedAuthorization = "malformed-authorization"
    case missingXSignature = "missing-x-signature"
    case malformedXSignature = "malformed-x-signature"
    // The token, up to its signature.
    case malformedToken = "malformed-token"
    case malformedHeader = "malformed-header"
    case algorithmNotAllowed = "algorithm-not-allowed"
    case xSignatureMismatch = "x-signature-mismatch"
    case badSignature = "bad-signature"
    // What was signed.
    case malformedPayload = "malformed-payload"
    case malformedClaims = "malformed-claims"
    case stale
    case future
    case expired
    case notYetValid = "not-yet-valid"
    case audience
    case wrongHook = "wrong-hook"
    case bodyMismatch = "body-mismatch"
    // The spool.
    case spoolFull = "spool-full"
    case spoolReadOnly = "spool-read-only"
    case spoolPermission = "spool-permission"
    case spoolDescriptors = "spool-descriptors"
    case spoolIO = "spool-io"
    case spoolClosed = "spool-closed"

    /// The HTTP status (RFC 9110 §15, RFC 6585 §5). Without a default: a new reason does not
    /// compile until it has one.
    package var status: Int {
      switch self {
      case .malformedAuthorization, .malformedToken, .malformedHeader, .malformedPayload,
        .malformedClaims, .malformedXSignature, .malformedBody, .bodyMismatch:
        400
      case .missingAuthorization, .algorithmNotAllowed, .missingXSignature, .xSignatureMismatch,
        .badSignature, .stale, .future, .expired, .notYetValid, .audience:
        401
      case .method: 405
      case .bodyTooLarge: 413
      case .wrongHook: 422
      case .tokenTooLarge: 431
      case .misconfigured: 500
      case .spoolFull, .spoolReadOnly, .spoolPermission, .spoolDescriptors, .spoolIO, .spoolClosed:
        503
      }
    }
  }

  package enum Detail: Equatable, Sendable {
    /// By how much a time lies outside of what is accepted.
    case seconds(Int64)
    case limit(bytes: Int)
    case allowed(AllowedMethods)
    case parameter(Parameter, ParameterProblem)
    /// `path` is our own, never the sender's.
    case systemCall(String, path: String, errno: Int32)
  }

  package enum AllowedMethods: String, Sendable {
    case delivery = "POST"
    case healthCheck = "GET, HEAD"
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
