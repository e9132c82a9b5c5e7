extension Refusal {
  /// Every reason for a refusal, in the order of the decision. `facts` has a row for each.
  package enum Reason: CaseIterable, Sendable {
    case misconfigured
    case method
    case malformedBody, bodyTooLarge
    case tokenTooLarge, missingAuthorization, malformedAuthorization
    case missingXSignature, malformedXSignature
    case malformedToken, malformedHeader, algorithmNotAllowed, xSignatureMismatch, badSignature
    case malformedPayload, malformedClaims
    case stale, future, expired, notYetValid, audience, wrongHook, bodyMismatch
    case spoolFull, spoolReadOnly, spoolPermission, spoolDescriptors, spoolIO, spoolClosed,
      spoolLocked
    case outOfMemory, overloaded
  }
}

extension Refusal.Reason {
  /// All that is known of a reason.
  package struct Facts: Sendable {
    /// Once released, it is never changed or reused.
    package let codeWord: String
    package let status: HTTPStatus
    /// The step that refuses for this reason; nil for the spool's reasons.
    package let step: DecisionStep?
    /// What is wrong with the delivery, for `explain`.
    package let sentence: String
    /// What an operator can do; nil if only the sender can do something.
    package let remedy: String?

    fileprivate init(
      _ codeWord: String, _ status: HTTPStatus, at step: DecisionStep?, _ sentence: String,
      remedy: String? = nil
    ) {
      (self.codeWord, self.status, self.step) = (codeWord, status, step)
      (self.sentence, self.remedy) = (sentence, remedy)
    }
  }

  package var codeWord: String { facts.codeWord }
  package var status: HTTPStatus { facts.status }

  package var facts: Facts {
    switch self {
    case .misconfigured:
      Facts(
        "misconfigured", .internalServerError, at: .configuration,
        "the web server names no instance or hook that is configured",
        remedy: "look at the parameters that the web server's configuration sets for this location")
    case .method:
      Facts(
        "method", .methodNotAllowed, at: .method,
        "the method is not one that is taken here")
    case .malformedBody:
      Facts(
        "malformed-body", .badRequest, at: .bodySize,
        "the body is shorter than its Content-Length, or that is not a number",
        remedy: "if no body arrives, the web server keeps it back: nginx does with "
          + "fastcgi_pass_request_body off, Apache if a filter or another module reads it first")
    case .bodyTooLarge:
      Facts(
        "body-too-large", .contentTooLarge, at: .bodySize,
        "the body is over the limit",
        remedy: "raise max-body-bytes if such bodies are to be taken")
    case .tokenTooLarge:
      Facts(
        "token-too-large", .requestHeaderFieldsTooLarge, at: .tokenSize,
        "the Authorization value is over the limit",
        remedy:
          "raise max-token-bytes, and the web server's header limit, if such tokens are to be "
          + "taken")
    case .missingAuthorization:
      Facts(
        "missing-authorization", .unauthorized, at: .authorization,
        "there is no Authorization of the scheme Signed",
        remedy: "if no delivery has one, the web server keeps it back: nginx does with "
          + "fastcgi_pass_request_headers off, Apache without CGIPassAuth On in the location; else "
          + "the sender did not sign")
    case .malformedAuthorization:
      Facts(
        "malformed-authorization", .badRequest, at: .authorization,
        "Authorization stands twice, holds a comma or a control byte, begins with a blank, or is "
          + "the scheme without a token")
    case .missingXSignature:
      Facts(
        "missing-x-signature", .unauthorized, at: .singleXSignature,
        "there is no X-Signature, and the instance requires one",
        remedy: "set x-signature to check if this sender leaves the header out")
    case .malformedXSignature:
      Facts(
        "malformed-x-signature", .badRequest, at: .singleXSignature,
        "X-Signature stands twice, or holds a comma")
    case .malformedToken:
      Facts(
        "malformed-token", .badRequest, at: .tokenShape,
        "the token is not three parts of base64url without padding and with no unused bit set")
    case .malformedHeader:
      Facts(
        "malformed-header", .badRequest, at: .header,
        "the token's header is not a strict JSON object with a string alg, a typ of JWT or none, "
          + "and neither crit nor b64")
    case .algorithmNotAllowed:
      Facts(
        "algorithm-not-allowed", .unauthorized, at: .header,
        "the token's alg is not allowed, or no configured key serves it",
        remedy: "compare the sender's algorithm with algorithms and with the types of the keys")
    case .xSignatureMismatch:
      Facts(
        "x-signature-mismatch", .unauthorized, at: .xSignature,
        "X-Signature is not the token's algorithm, one blank and a configured key location",
        remedy: "compare what the sender names with key-location and algorithms")
    case .badSignature:
      Facts(
        "bad-signature", .unauthorized, at: .signature,
        "no configured key of the token's algorithm made the signature",
        remedy: "if the instance has a new key, add it to keys; else someone forged a delivery")
    case .malformedPayload:
      Facts(
        "malformed-payload", .badRequest, at: .payload,
        "the payload is not one strict JSON object",
        remedy: Self.payloadRemedy)
    case .malformedClaims:
      Facts(
        "malformed-claims", .badRequest, at: .claims,
        "id, kind, status or iat is missing or of a wrong type, or exp, nbf or aud is",
        remedy: Self.payloadRemedy)
    case .stale:
      Facts("stale", .unauthorized, at: .freshness, "iat is too old", remedy: Self.clockRemedy)
    case .future:
      Facts(
        "future", .unauthorized, at: .freshness, "iat lies in the future",
        remedy: "check that the clocks are right")
    case .expired:
      Facts(
        "expired", .unauthorized, at: .freshness, "exp is over",
        remedy: "check that the clocks are right; else the sender delivered it too late")
    case .notYetValid:
      Facts(
        "not-yet-valid", .unauthorized, at: .freshness, "nbf lies in the future",
        remedy: "check that the clocks are right")
    case .audience:
      Facts(
        "audience", .unauthorized, at: .audience,
        "aud names another receiver",
        remedy: "add the audience of this receiver to audience")
    case .wrongHook:
      Facts(
        "wrong-hook", .unprocessableContent, at: .hook,
        "the event is of another kind than the hook takes",
        remedy: "the sender calls the location of another hook: compare its connector with the "
          + "locations")
    case .bodyMismatch:
      Facts(
        "body-mismatch", .badRequest, at: .body,
        "the body is not the payload without its iat",
        remedy: "set body to discard if this sender posts something else, or if the web server "
          + "changes the body or keeps it back")
    case .spoolFull: Self.spool("spool-full")
    case .spoolReadOnly: Self.spool("spool-read-only")
    case .spoolPermission: Self.spool("spool-permission")
    case .spoolDescriptors: Self.spool("spool-descriptors")
    case .spoolIO: Self.spool("spool-io")
    case .spoolClosed: Self.spool("spool-closed")
    case .spoolLocked: Self.spool("spool-locked")
    case .outOfMemory:
      Facts(
        "out-of-memory", .serviceUnavailable, at: nil,
        "memory was short while the signature was checked",
        remedy: "give the responder more memory: look at MemoryMax of its unit and at RLIMIT_AS")
    case .overloaded:
      Facts(
        "overloaded", .serviceUnavailable, at: nil, "half of the workers are stuck",
        remedy: "look at the disk and the kernel's log, then restart the responder")
    }
  }

  private static let clockRemedy =
    "check that the clocks are right; after an outage max-age-seconds may be raised"

  private static let payloadRemedy =
    "a configured key signed this, so the sender has to change it: keep-refused keeps such requests, "
    + "and explain --last shows what is wrong"

  /// The remedy depends on what failed there: the spool's error has it.
  private static func spool(_ codeWord: String) -> Facts {
    Facts(codeWord, .serviceUnavailable, at: nil, "the spool could not take the event")
  }
}
