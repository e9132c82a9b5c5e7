internal import OpenSSLCrypto
internal import StrictJSON

/// Equal for two deliveries of one event that the sender signed twice: the hexadecimal SHA-256 of
/// the payload's canonical form without the members that a new signature changes.
func eventKey(of payload: JSONObject) -> String {
  let stable = payload.removing("iat", "exp", "nbf", "jti")
  return hexadecimal(sha256(JSONValue.object(stable).canonicalText))
}
