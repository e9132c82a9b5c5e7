/// The two header fields that carry a delivery's proof: present, single and within their bounds;
/// nothing in them is decoded yet.
struct SignatureHeaders {
  /// What stands behind `Signed` and its blanks.
  let compactJWS: [UInt8]
  /// Nil if the request had none, which the policy then allows.
  let xSignature: [UInt8]?

  init(
    of request: DeliveryRequest, maxTokenBytes: Int, xSignature rule: XSignatureRule
  ) throws(Refusal) {
    compactJWS = try credentials(in: request.authorization, maxBytes: maxTokenBytes)
    xSignature = try rule.singleValue(of: request.xSignature)
  }
}

/// The credentials of `Authorization: Signed <compact JWS>` (RFC 9110 §11.4).
private func credentials(in values: [[UInt8]], maxBytes: Int) throws(Refusal) -> [UInt8] {
  guard values.allSatisfy({ $0.count <= maxBytes }) else {
    throw Refusal(.tokenTooLarge, .limit(bytes: maxBytes))
  }
  guard let value = values.first, !(value.isEmpty && values.count == 1) else {
    throw Refusal(.missingAuthorization)
  }
  let blank = UInt8(ascii: " ")
  let scheme = value.prefix { $0 != blank }
  let credentials = value.dropFirst(scheme.count).drop { $0 == blank }
  let isSigned = equalIgnoringASCIICase(scheme, "signed")
  // Apache joins two fields with a comma, which neither the scheme nor a compact JWS contains.
  guard values.count == 1, !value.contains(UInt8(ascii: ",")), !value.contains(where: isControl),
    value.first != blank, !(isSigned && credentials.isEmpty)
  else { throw Refusal(.malformedAuthorization) }
  guard isSigned else { throw Refusal(.missingAuthorization) }
  return Array(credentials)
}
