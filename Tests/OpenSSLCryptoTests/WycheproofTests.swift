internal import OpenSSLCrypto
internal import StrictJSON
internal import TestSupport
internal import Testing

/// Project Wycheproof's signatures, each with Wycheproof's own verdict, except for the differences
/// due to the fixed salt length of RFC 7518 §3.5.
@Suite(.enabled(if: Repository.foreignVectors != nil, "no vectors: set DELVE_VECTORS"))
struct WycheproofTests {
  private struct Group {
    let key: PublicKey
    let tests: [(id: Int, message: [UInt8], signature: [UInt8], isValid: Bool)]
  }

  private func groups(_ name: String) throws -> [Group] {
    let path = "\(Repository.foreignVectors ?? "")/wycheproof/\(name)_test.json"
    let file = try #require(try JSONValue(parsing: fileBytes(path)).object)
    return try (file["testGroups"]?.array ?? []).map { group in
      let group = try #require(group.object)
      let pem = try #require(group["publicKeyPem"]?.string)
      let tests = try (group["tests"]?.array ?? []).map { test in
        let test = try #require(test.object)
        return (
          id: try #require(Int(strings(test["tcId"]).first ?? number(test["tcId"]))),
          message: hexBytes(strings(test["msg"])[0]), signature: hexBytes(strings(test["sig"])[0]),
          isValid: test["result"] == .string("valid")
        )
      }
      return Group(key: try PublicKey(pem: pem), tests: tests)
    }
  }

  private func number(_ value: JSONValue?) -> String {
    String(decoding: value?.number ?? [], as: UTF8.self)
  }

  @Test(arguments: [
    ("ecdsa_secp521r1_sha512_p1363", SignatureScheme.ecdsa(.sha512), 231),
    ("ecdsa_secp384r1_sha384_p1363", .ecdsa(.sha384), 193),
    ("ecdsa_secp256r1_sha256_p1363", .ecdsa(.sha256), 173),
    ("ed25519", .ed25519, 88),
    ("rsa_signature_2048_sha256", .rsaPKCS1(.sha256), 9),
    ("rsa_signature_2048_sha384", .rsaPKCS1(.sha384), 7),
    ("rsa_signature_2048_sha512", .rsaPKCS1(.sha512), 8),
    ("rsa_signature_3072_sha256", .rsaPKCS1(.sha256), 8),
    ("rsa_signature_4096_sha512", .rsaPKCS1(.sha512), 7),
    ("rsa_pss_2048_sha256_mgf1_32", .rsaPSS(.sha256), 63),
    ("rsa_pss_2048_sha384_mgf1_48", .rsaPSS(.sha384), 95),
    ("rsa_pss_4096_sha384_mgf1_48", .rsaPSS(.sha384), 95),
    ("rsa_pss_4096_sha512_mgf1_64", .rsaPSS(.sha512), 132),
  ])
  func exactlyTheValidSignaturesVerify(name: String, scheme: SignatureScheme, valid: Int) throws {
    var verified = 0
    for group in try groups(name) {
      for test in group.tests {
        let isValid = try group.key.isValidSignature(
          test.signature, for: test.message, scheme: scheme)
        #expect(isValid == test.isValid, "\(name) tcId \(test.id)")
        if isValid { verified += 1 }
      }
    }
    #expect(verified == valid)
  }

  /// The salt must be as long as the hash, so sets with another salt are refused. The exception is
  /// the one case that has the right length because it is an attack on the other length.
  @Test(arguments: [
    ("rsa_pss_2048_sha256_mgf1_0", SignatureScheme.rsaPSS(.sha256), [69]),
    ("rsa_pss_2048_sha256_mgf1sha1_20", .rsaPSS(.sha256), []),
    ("rsa_pss_4096_sha512_mgf1_32", .rsaPSS(.sha512), []),
  ])
  func saltOfAnotherLengthIsRefused(name: String, scheme: SignatureScheme, accepted: [Int]) throws {
    let verified = try groups(name).flatMap { group in
      try group.tests.filter {
        try group.key.isValidSignature($0.signature, for: $0.message, scheme: scheme)
      }
    }
    #expect(verified.map(\.id) == accepted)
  }

  /// 150 correct signatures have every mix of hash, MGF1 hash and salt. Only three are accepted:
  /// those with one hash throughout and a salt of the same length.
  @Test func ofAllMixedParametersThoseOfRFC7518AreAccepted() throws {
    let schemes: [SignatureScheme] = [.rsaPSS(.sha256), .rsaPSS(.sha384), .rsaPSS(.sha512)]
    var cases = 0
    var accepted = 0
    for group in try groups("rsa_pss_misc") {
      for test in group.tests {
        cases += 1
        accepted += try schemes.count {
          try group.key.isValidSignature(test.signature, for: test.message, scheme: $0)
        }
      }
    }
    #expect(cases == 150)
    #expect(accepted == 3)
  }
}

func hexBytes(_ text: String) -> [UInt8] {
  let digits = text.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count - 1, by: 2).map {
    UInt8(digits[$0] << 4 | digits[$0 + 1])
  }
}
