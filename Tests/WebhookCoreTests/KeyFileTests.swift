internal import DeliverySigning
internal import OpenSSLCrypto
internal import StrictJSON
internal import TestSupport
internal import Testing
@testable internal import WebhookCore

struct KeyFileTests {
  private struct BadKey: Sendable, CustomStringConvertible {
    let file: String
    let isRefused: Bool
    var description: String { file }
  }

  private static let badKeys: [BadKey] = ((try? testFile("Attacks/bad-keys.jsonl")) ?? [])
    .split(separator: 0x0A).compactMap { line in
      guard let json = (try? JSONValue(parsing: Array(line)))?.object else { return nil }
      return BadKey(
        file: strings(json["file"])[0], isRefused: json["expect"] == .string("refused"))
    }

  @Test func catalogueOfBadKeysIsComplete() {
    #expect(Self.badKeys.count == 76)
    #expect(Self.badKeys.count(where: \.isRefused) == 65)
  }

  @Test(arguments: badKeys)
  private func badKeyIsRefusedAndOddOneLoads(key: BadKey) throws {
    let text = try testFile("Attacks/\(key.file)")
    if key.isRefused {
      #expect(throws: KeyFileError.self) { try KeyFile(parsing: text) }
    } else {
      #expect(try KeyFile(parsing: text).keys.isEmpty == false)
    }
  }

  /// A signature that the key has made, by an algorithm that it does not serve, is none.
  @Test(arguments: [("rs256", true), ("ps256", false)])
  func pinnedKeySignsByItsAlgorithmAlone(pinned: String, isValid: Bool) throws {
    let key = try KeyFile(parsing: testFile("Attacks/keys/rsa2048-\(pinned).jwk.json")).keys[0]
    let input = Array("header.payload".utf8)
    let signature = try TestKey.rsa2048.signingKey.signature(over: input, with: .rs256)
    #expect(
      try key.isValidSignature(signature, for: input, algorithm: .rs256) == isValid)
  }

  // MARK: Sets and byte order marks

  private func set(_ members: String...) -> [UInt8] {
    Array(#"{"keys":[\#(members.joined(separator: ","))]}"#.utf8)
  }

  private static let good =
    #"{"kty":"OKP","crv":"Ed25519","x":"#
    + #""11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
  private static let otherPurposes = [
    #"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#,
    #"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
    #"{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}"#,
    #"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#,
    #"{"kty":"OKP","crv":"Ed25519","key_ops":["sign"],"x":"AA"}"#,
  ]

  @Test func keysOfASetThatCannotServeAreSkippedAndNamed() throws {
    let members = Self.otherPurposes + [Self.good]
    let file = try KeyFile(parsing: Array(#"{"keys":[\#(members.joined(separator: ","))]}"#.utf8))
    #expect(file.keys.count == 1)
    #expect(file.skipped.map(\.position) == [1, 2, 3, 4, 5])
    #expect(
      file.skipped.map(\.reason) == [
        .unknownCurve, .unknownCurve, .notForSignatures, .unknownKeyType, .notForSignatures,
      ])
  }

  @Test(arguments: otherPurposes)
  func setOfSuchKeysAloneAndSuchAKeyAloneAreRefused(member: String) {
    #expect(throws: KeyFileError.self) { try KeyFile(parsing: set(member)) }
    #expect(throws: KeyFileError.self) { try KeyFile(parsing: Array(member.utf8)) }
  }

  @Test(arguments: [
    #"{"kty":"oct","k":"AA"}"#, #"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#, #"{"crv":"P-256"}"#,
    #"{"kty":"OKP","crv":"Ed25519","d":"AA","x":"AA"}"#, "3",
  ])
  func brokenOrSecretKeyIsNeverSkipped(member: String) {
    #expect(throws: KeyFileError.self) { try KeyFile(parsing: set(Self.good, member)) }
  }

  @Test func pemBehindAByteOrderMarkLoads() throws {
    let pem = try fileBytes(TestKey.p521.path)
    #expect(try KeyFile(parsing: [0xEF, 0xBB, 0xBF] + pem).keys.count == 1)
    #expect(throws: KeyFileError.self) {
      try KeyFile(parsing: [0xEF, 0xBB, 0xBF] + Array(Self.good.utf8))
    }
  }

  @Test func coordinateOfTheWrongLengthNamesTheRightOne() {
    #expect(
      KeyFileError.malformedMember(.x).explanation.contains("66 for P-521 (RFC 7518 §6.2.1.2)"))
  }

  private func problem(_ name: String) -> KeyFileError? {
    do throws(KeyFileError) {
      _ = try KeyFile(parsing: (try? testFile("Attacks/bad-keys/\(name).json")) ?? [])
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("private.jwk", KeyFileError.privateKey), ("private-rsa.jwk", .privateKey),
    ("oct.jwk", .symmetricKey), ("with-oct.jwks", .symmetricKey),
    ("no-kty.jwk", .missingMember(.kty)),
    ("no-y.jwk", .missingMember(.y)), ("kty-case.jwk", .unknownKeyType),
    ("crv-p512.jwk", .unknownCurve), ("x-padded.jwk", .malformedMember(.x)),
    ("x-number.jwk", .malformedMember(.x)), ("x-plus-p.jwk", .key(.invalidPoint)),
    ("off-curve.jwk", .key(.invalidPoint)), ("alg-es256.jwk", .algorithmDoesNotFit),
    ("alg-none.jwk", .algorithmDoesNotFit), ("use-enc.jwk", .notForSignatures),
    ("key-ops-sign.jwk", .notForSignatures), ("array.jwk", .notObject),
    ("empty.jwks", .noKeys), ("keys-object.jwks", .keysNotArray),
    ("ed25519-zero.jwk", .key(.smallOrderPoint)), ("rsa1024.jwk", .key(.rsaTooShort(bits: 1024))),
    ("rsa-n-leading-zero.jwk", .malformedMember(.n)),
  ])
  func badJSONWebKeyIsRefusedForItsOwnReason(name: String, expected: KeyFileError) {
    #expect(problem(name) == expected)
  }

  @Test func keyOfUnknownTypeBesideAGoodOneIsLeftOut() throws {
    #expect(
      try KeyFile(parsing: testFile("Attacks/bad-keys/with-unknown-kty.jwks.json")).keys.count == 1)
    #expect(
      try KeyFile(parsing: testFile("Attacks/bad-keys/good-same-kid.jwks.json")).keys.count == 2)
  }

  @Test(arguments: TestKey.allCases)
  func keyIsTheSameWhateverFileItComesFrom(key: TestKey) throws {
    let pem = try key.verificationKeys[0]
    let jwk = try KeyFile(parsing: testFile("Attacks/keys/\(key.rawValue).jwk.json")).keys[0]
    #expect(jwk.thumbprint == pem.thumbprint)
    #expect(pem.serves(key.algorithm))
  }

  @Test func pinnedRSAKeyServesItsAlgorithmAlone() throws {
    let pinned = try KeyFile(parsing: testFile("Attacks/keys/rsa2048-rs256.jwk.json")).keys[0]
    #expect(pinned.algorithms == [.rs256])
    #expect(try TestKey.rsa2048.verificationKeys[0].algorithms.count == 6)
    #expect(try TestKey.ed25519.verificationKeys[0].algorithms == [.edDSA, .ed25519])
  }

  /// The vectors are those of RFC 7638 §3.1, RFC 7517 A.1 and RFC 8037 A.3, and the candidates of
  /// the vendor's key.
  @Test(.enabled(if: Repository.foreignVectors != nil, "no vectors: set DELVE_VECTORS"))
  func thumbprintsAreThoseOfTheStandards() throws {
    let path = "\(Repository.foreignVectors ?? "")/tokens/thumbprints.jsonl"
    let lines = try fileBytes(path).split(separator: 0x0A)
    #expect(lines.count == 6)
    for line in lines {
      let vector = try required(try JSONValue(parsing: Array(line)).object)
      // One key is for encryption, but the thumbprint does not depend on this.
      let jwk = try required(vector["jwk"]?.object).removing("use")
      let key = try KeyFile(parsing: JSONValue.object(jwk).compactText).keys[0]
      #expect(vector["thumbprint"] == .string(key.thumbprint.text))
    }
  }
}
