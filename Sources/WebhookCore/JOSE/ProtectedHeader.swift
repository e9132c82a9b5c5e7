internal import StrictJSON

/// The protected header of a JWS (RFC 7515 §4): what of it is read, and nothing more.
///
/// `kid`, `jwk`, `jku`, `x5u`, `x5c` and every other member are ignored: the token never chooses a
/// key (RFC 8725 §3.10).
struct ProtectedHeader {
  let algorithm: SignatureAlgorithm

  /// Checks `alg`, `typ`, `crit` and `b64`, in this order. `allowed` is what is on the allowlist
  /// and has a key.
  init(parsing json: [UInt8], allowing allowed: Set<SignatureAlgorithm>) throws(Refusal) {
    guard let header = (try? JSONValue(parsing: json))?.object, let name = header["alg"]?.string
    else { throw Refusal(.malformedHeader) }
    guard let algorithm = SignatureAlgorithm(name: name), allowed.contains(algorithm) else {
      throw Refusal(.algorithmNotAllowed)
    }
    guard Self.isJWT(header["typ"]), header["crit"] == nil, header["b64"] == nil else {
      throw Refusal(.malformedHeader)
    }
    self.algorithm = algorithm
  }

  /// Absent, or `JWT` in any case (RFC 7519 §5.1).
  private static func isJWT(_ type: JSONValue?) -> Bool {
    guard let type else { return true }
    return type.string.map { equalIgnoringASCIICase($0, "jwt") } ?? false
  }
}
