internal import COpenSSL

extension PublicKey {
  /// The one public key in `pem`: a single `PUBLIC KEY` block (RFC 7468 §13). Text may stand before
  /// it, only white space behind it.
  package convenience init(pem: [UInt8]) throws(PublicKeyError) {
    try self.init(subjectPublicKeyInfo: try singlePublicKeyBlock(in: pem))
  }

  /// A key in DER as RFC 5280 §4.1 lays it out, and nothing behind it.
  package convenience init(subjectPublicKeyInfo der: [UInt8]) throws(PublicKeyError) {
    let (key, length) = der.withUnsafeBufferPointer { bytes -> (OpaquePointer?, Int) in
      var end = bytes.baseAddress
      let key = d2i_PUBKEY(nil, &end, bytes.count)
      return (key, bytes.baseAddress.flatMap { start in end.map { $0 - start } } ?? 0)
    }
    guard let key else {
      ERR_clear_error()
      throw .malformedKey
    }
    guard length == der.count else {
      EVP_PKEY_free(key)
      throw .trailingBytes
    }
    try self.init(owning: key)
  }

  /// The key with these affine coordinates, each in the full width of the field, as RFC 7518
  /// §6.2.1 wants it.
  package convenience init(
    on curve: EllipticCurve, x: [UInt8], y: [UInt8]
  ) throws(PublicKeyError) {
    guard x.count == curve.fieldBytes, y.count == curve.fieldBytes else { throw .invalidPoint }
    // Decoding a point refuses coordinates of p or more, which setting them would reduce.
    let uncompressed: [UInt8] = [0x04] + x + y
    do throws(PublicKeyError) {
      try self.init(subjectPublicKeyInfo: curve.subjectPublicKeyInfoPrefix + uncompressed)
    } catch .malformedKey {
      throw .invalidPoint
    }
  }

  /// An Ed25519 key of 32 bytes (RFC 8032 §5.1.5).
  package convenience init(ed25519 bytes: [UInt8]) throws(PublicKeyError) {
    guard let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count) else {
      ERR_clear_error()
      throw .invalidPoint
    }
    try self.init(owning: key)
  }

  /// An RSA key, both numbers big endian.
  package convenience init(
    rsaModulus modulus: [UInt8], exponent: [UInt8]
  ) throws(PublicKeyError) {
    guard let key = rsaKey(modulus: modulus, exponent: exponent) else {
      ERR_clear_error()
      throw .invalidRSA
    }
    try self.init(owning: key)
  }
}

/// An `EVP_PKEY` of the two numbers, unchecked; the caller frees it.
private func rsaKey(modulus: [UInt8], exponent: [UInt8]) -> OpaquePointer? {
  guard modulus.count <= 2048, exponent.count <= 2048,
    let context = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil)
  else { return nil }
  defer { EVP_PKEY_CTX_free(context) }
  let n = BN_bin2bn(modulus, Int32(modulus.count), nil)
  let e = BN_bin2bn(exponent, Int32(exponent.count), nil)
  let builder = OSSL_PARAM_BLD_new()
  defer {
    OSSL_PARAM_BLD_free(builder)
    BN_free(n)
    BN_free(e)
  }
  // The builder keeps the names' pointers until it has made the parameters.
  return OSSL_PKEY_PARAM_RSA_N.withCString { nameOfN in
    OSSL_PKEY_PARAM_RSA_E.withCString { nameOfE in
      guard OSSL_PARAM_BLD_push_BN(builder, nameOfN, n) == 1,
        OSSL_PARAM_BLD_push_BN(builder, nameOfE, e) == 1,
        let parameters = OSSL_PARAM_BLD_to_param(builder)
      else { return nil }
      defer { OSSL_PARAM_free(parameters) }
      var key: OpaquePointer?
      // What EVP_PKEY_PUBLIC_KEY stands for, a macro that is not imported.
      let publicKeySelection =
        OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS
      guard EVP_PKEY_fromdata_init(context) == 1,
        EVP_PKEY_fromdata(context, &key, publicKeySelection, parameters) == 1
      else { return nil }
      return key
    }
  }
}
