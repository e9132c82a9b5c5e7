internal import COpenSSL

/// The components of `key`, an `EVP_PKEY`, once it has passed every check that OpenSSL's loaders
/// leave out: its type, a curve that is named and listed, a point of that curve, RSA's size and
/// exponent, Ed25519's small orders.
func checkedComponents(
  of key: OpaquePointer
) throws(PublicKeyError) -> PublicKey.Components {
  switch EVP_PKEY_get_base_id(key) {
  case EVP_PKEY_EC:
    let curve = try namedCurve(of: key)
    try check(key, orThrow: .invalidPoint)
    return .ellipticCurve(
      curve,
      x: try number(OSSL_PKEY_PARAM_EC_PUB_X, of: key, width: curve.fieldBytes),
      y: try number(OSSL_PKEY_PARAM_EC_PUB_Y, of: key, width: curve.fieldBytes))
  case EVP_PKEY_RSA:
    let bits = Int(EVP_PKEY_get_bits(key))
    guard bits >= 2048 else { throw .rsaTooShort(bits: bits) }
    try check(key, orThrow: .invalidRSA)
    return .rsa(
      modulus: try number(OSSL_PKEY_PARAM_RSA_N, of: key),
      exponent: try number(OSSL_PKEY_PARAM_RSA_E, of: key))
  case EVP_PKEY_ED25519:
    let point = try rawPublicKey(of: key)
    guard !hasSmallOrder(ed25519Point: point) else { throw .smallOrderPoint }
    return .ed25519(point)
  default:
    throw .unsupportedType
  }
}

private func namedCurve(of key: OpaquePointer) throws(PublicKeyError) -> EllipticCurve {
  var isExplicit: Int32 = 0
  guard
    EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &isExplicit) == 1
  else { throw .unsupportedCurve }
  guard isExplicit == 0 else { throw .explicitParameters }
  let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer -> String? in
    guard EVP_PKEY_get_group_name(key, buffer.baseAddress, buffer.count, nil) == 1 else {
      return nil
    }
    return buffer.baseAddress.map { String(cString: $0) }
  }
  guard let curve = EllipticCurve.allCases.first(where: { $0.groupName == name }) else {
    throw .unsupportedCurve
  }
  return curve
}

/// OpenSSL's own check: a point on the curve and not at infinity; an odd RSA exponent above 1 and a
/// modulus that is odd and composite.
private func check(
  _ key: OpaquePointer, orThrow problem: PublicKeyError
) throws(PublicKeyError) {
  guard let context = EVP_PKEY_CTX_new(key, nil) else { throw .outOfMemory }
  defer { EVP_PKEY_CTX_free(context) }
  guard EVP_PKEY_public_check(context) == 1 else { throw problem }
}

/// The key's parameter called `name`, big endian, padded to `width` bytes if that is given.
private func number(
  _ name: String, of key: OpaquePointer, width: Int? = nil
) throws(PublicKeyError) -> [UInt8] {
  var number: OpaquePointer?
  guard EVP_PKEY_get_bn_param(key, name, &number) == 1, let number else { throw .malformedKey }
  defer { BN_free(number) }
  let length = width ?? Int((BN_num_bits(number) + 7) / 8)
  let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
    count = Int(max(0, BN_bn2binpad(number, buffer.baseAddress, Int32(length))))
  }
  guard bytes.count == length else { throw .malformedKey }
  return bytes
}

private func rawPublicKey(of key: OpaquePointer) throws(PublicKeyError) -> [UInt8] {
  var length = 32
  let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
    count = EVP_PKEY_get_raw_public_key(key, buffer.baseAddress, &length) == 1 ? length : 0
  }
  guard bytes.count == 32 else { throw .malformedKey }
  return bytes
}

/// Whether the point's order divides 8, in any of its encodings, canonical or not, with either
/// sign: such a key accepts signatures that nobody made. The values of y are those of Chalkias,
/// Garillot and Nikolaenko, "Taming the Many EdDSAs" (2020), table 1.
private func hasSmallOrder(ed25519Point point: [UInt8]) -> Bool {
  var y = point
  y[31] &= 0x7F  // the sign of x
  return smallOrderYCoordinates.contains(y)
}

/// Little endian: 0, 1, the two of order 8, then p - 1, p and p + 1.
private let smallOrderYCoordinates: Set<[UInt8]> = [
  [UInt8](repeating: 0, count: 32),
  [1] + [UInt8](repeating: 0, count: 31),
  [
    0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0,
    0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05,
  ],
  [
    0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67, 0x0F,
    0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A,
  ],
  [0xEC] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
  [0xED] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
  [0xEE] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
]
