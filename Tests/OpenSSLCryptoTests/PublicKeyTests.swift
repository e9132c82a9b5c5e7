internal import OpenSSLCrypto
internal import TestSupport
internal import Testing

struct PublicKeyTests {
  private func load(_ name: String) throws -> PublicKey {
    try PublicKey(pem: try testFile("Attacks/bad-keys/\(name).pem"))
  }

  @Test(arguments: [
    ("empty", PublicKeyError.emptyPEM), ("blank", .emptyPEM), ("html", .notPEM),
    ("random", .notPEM), ("der", .notPEM), ("private-pkcs8", .privateKey),
    ("private-sec1", .privateKey), ("private-and-public", .privateKey),
    ("certificate", .certificate), ("pkcs1", .pkcs1), ("cut", .malformedPEM),
    ("no-end-line", .malformedPEM), ("bad-base64", .malformedPEM),
    ("trailing-der", .trailingBytes), ("two-keys", .moreThanOneBlock),
    ("off-curve", .malformedKey), ("infinity", .invalidPoint), ("p224", .unsupportedCurve),
    ("secp256k1", .unsupportedCurve), ("x25519", .unsupportedType), ("ed448", .unsupportedType),
    ("rsa1024", .rsaTooShort(bits: 1024)), ("rsa-e1", .invalidRSA), ("rsa-e2", .invalidRSA),
    ("explicit-parameters", .explicitParameters),
  ])
  func badKeyFileIsRefusedForItsOwnReason(name: String, expected: PublicKeyError) {
    #expect(throws: expected) { try load(name) }
  }

  @Test(arguments: [
    "good-blank-after", "good-compressed", "good-crlf", "good-no-newline", "good-rsa4096",
    "good-text-before",
  ])
  func oddButGoodKeyFileLoads(name: String) throws {
    _ = try load(name)
  }

  @Test func textBehindTheBlockIsRefused() throws {
    let pem = try testFile("Attacks/keys/p521.pem") + Array("and more\n".utf8)
    #expect(throws: PublicKeyError.textBehindBlock) { try PublicKey(pem: pem) }
  }

  @Test func compressedPointIsTheSameKey() throws {
    guard case .ellipticCurve(let curve, let x, let y) = try load("good-compressed").components
    else { throw PublicKeyError.unsupportedType }
    #expect(try PublicKey(on: curve, x: x, y: y).components == load("good-compressed").components)
  }

  @Test(arguments: [0, 1, 3, 4, 5, 6])
  func pointOfSmallOrderIsRefusedWithEitherSign(index: Int) {
    // 0, 1, p - 1, p and p + 1, little endian. The points of order 8 are in the bad keys.
    var point = [UInt8](repeating: index < 2 ? 0 : 0xFF, count: 32)
    point[0] = index < 2 ? UInt8(index) : [3: 0xEC, 4: 0xED, 5: 0xEE, 6: 0xEC][index] ?? 0
    point[31] = (index < 2 ? 0 : 0x7F) | (index == 6 ? 0x80 : 0)
    #expect(throws: PublicKeyError.smallOrderPoint) { try PublicKey(ed25519: point) }
  }

  @Test func signatureOfAnotherSchemeIsNeverValid() throws {
    let key = try PublicKey(pem: try testFile("Attacks/keys/p521.pem"))
    for scheme in [SignatureScheme.ed25519, .rsaPKCS1(.sha512), .rsaPSS(.sha512)] {
      #expect(try !key.isValidSignature([UInt8](repeating: 1, count: 132), for: [], scheme: scheme))
    }
  }

  @Test func digestIsThatOfTheStandard() {
    // FIPS 180-4's example, "abc".
    #expect(
      sha256(Array("abc".utf8))
        == hexBytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
  }
}
