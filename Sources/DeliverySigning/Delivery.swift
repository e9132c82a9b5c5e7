package import StrictJSON
package import WebhookCore

/// A delivery signed as the vendor's article shows it, with a private key of one's own.
package struct Delivery: Sendable {
  package let body: [UInt8]
  /// The value of the `Authorization` header field.
  package let authorization: [UInt8]
  /// The value of the `X-Signature` header field.
  package let xSignature: String

  /// - Parameters:
  ///   - body: the JSON object that is posted, without its `iat`; the signed payload has one.
  ///   - issuedAt: `iat`, seconds since 1970, if `body` has none.
  ///   - isForged: one bit of the signature is changed after it was made.
  package init(
    body: JSONObject, issuedAt: Int64, signedBy key: SigningKey, algorithm: SignatureAlgorithm,
    keyLocation: String = XSignatureRule.defaultKeyLocation, isForged: Bool = false
  ) throws(SigningKeyError) {
    let posted = body.removing("iat")
    let payload = posted.appending("iat", body["iat"] ?? .number(issuedAt))
    try self.init(
      payload: JSONValue.object(payload).compactText, body: JSONValue.object(posted).compactText,
      signedBy: key, algorithm: algorithm, keyLocation: keyLocation, isForged: isForged)
  }

  /// - Parameter payload: signed as it is, whatever it holds.
  package init(
    payload: [UInt8], body: [UInt8], signedBy key: SigningKey, algorithm: SignatureAlgorithm,
    keyLocation: String, isForged: Bool
  ) throws(SigningKeyError) {
    let header = JSONObject([("typ", .string("JWT")), ("alg", .string(algorithm.rawValue))])
    let signingInput =
      base64URL(JSONValue.object(header).compactText) + [UInt8(ascii: ".")]
      + base64URL(payload)
    var signature = try key.signature(over: signingInput, with: algorithm)
    if isForged { signature[signature.count - 1] ^= 1 }
    self.body = body
    authorization =
      Array("Signed ".utf8) + signingInput + [UInt8(ascii: ".")] + base64URL(signature)
    xSignature = "\(algorithm.rawValue) \(keyLocation)"
  }
}

extension Hook {
  /// The article's sample body for this kind of event, with another id.
  package func sampleBody(id: String) -> JSONObject {
    let ending: [(name: String, value: JSONValue)] = [
      ("id", .string(id)), ("isAdHoc", .boolean(true)),
      ("kind", .string(kind)), ("status", .string(status)),
    ]
    switch self {
    case .exportComplete:
      return JSONObject(ending.filter { $0.name != "isAdHoc" })
    case .scanSuccess, .scanFailure:
      return JSONObject(
        [
          ("assetId", .string("1")), ("assetType", .string("site")), ("attemptNumber", .number(1)),
        ] + ending)
    }
  }
}
