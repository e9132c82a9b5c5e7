internal import WebhookCore

extension Refusal {
  /// What is wrong with the delivery, and what can be done, in words for an operator.
  var explanation: String {
    var sentence = "\(reason.rawValue): \(reason.sentence)"
    switch detail {
    case .seconds(let seconds): sentence += ", by \(seconds) s"
    case .limit(let bytes): sentence += " (\(bytes) bytes)"
    case .allowed(let methods): sentence += " (\(methods.rawValue))"
    case .parameter, .systemCall, nil: break
    }
    return remedy.map { "\(sentence); \($0)" } ?? sentence
  }
}

extension Refusal.Reason {
  fileprivate var sentence: String {
    switch self {
    case .misconfigured: "the web server names no instance or hook that is configured"
    case .method: "the method is not one that is taken here"
    case .malformedBody: "the body is shorter than its Content-Length, or that is no number"
    case .bodyTooLarge: "the body is over the limit"
    case .tokenTooLarge: "the Authorization value is over the limit"
    case .missingAuthorization: "there is no Authorization of the scheme Signed"
    case .malformedAuthorization:
      "Authorization stands twice, holds a comma or a control byte, begins with a blank, or is the "
        + "scheme alone"
    case .missingXSignature: "there is no X-Signature, and the instance requires one"
    case .malformedXSignature: "X-Signature stands twice, or holds a comma"
    case .malformedToken:
      "the token is not three parts of base64url without padding and with no unused bit set"
    case .malformedHeader:
      "the token's header is not a strict JSON object with a string alg, a typ of JWT or none, and "
        + "neither crit nor b64"
    case .algorithmNotAllowed: "the token's alg is not allowed, or no configured key serves it"
    case .xSignatureMismatch:
      "X-Signature is not the token's algorithm, one blank and a configured key location"
    case .badSignature: "no configured key of the token's algorithm made the signature"
    case .malformedPayload: "the payload is not one strict JSON object"
    case .malformedClaims:
      "id, kind, status or iat is missing or of a wrong type, or exp, nbf or aud is"
    case .stale: "iat is too old"
    case .future: "iat lies in the future"
    case .expired: "exp is over"
    case .notYetValid: "nbf lies in the future"
    case .audience: "aud names another receiver"
    case .wrongHook: "the event is of another kind than the hook takes"
    case .bodyMismatch: "the body is not the payload without its iat"
    case .spoolFull, .spoolReadOnly, .spoolPermission, .spoolDescriptors, .spoolIO, .spoolClosed:
      "the spool could not take the event"
    }
  }
}
