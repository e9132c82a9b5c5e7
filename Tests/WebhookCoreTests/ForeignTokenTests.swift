internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// Tokens that others made, checked only up to their signature: no payload is a webhook's.
@Suite(.enabled(if: Repository.foreignVectors != nil, "no vectors: set DELVE_VECTORS"))
struct ForeignTokenTests {
  private static let folder = Repository.foreignVectors ?? ""

  /// Returns why the keys do not verify the token, with all their algorithms allowed; nil if they
  /// do.
  private func refusal(of token: [UInt8], by keys: [VerificationKey]) -> Refusal.Reason? {
    let algorithms = keys.reduce(into: Set<SignatureAlgorithm>()) { $0.formUnion($1.algorithms) }
    do throws(Refusal) {
      _ = try UnverifiedToken(compact: token, allowing: algorithms).verified(by: keys)
      return nil
    } catch {
      return error.reason
    }
  }

  private func lines(_ path: String) throws -> [JSONValue] {
    try fileBytes("\(Self.folder)/\(path)").split(separator: 0x0A).map {
      try JSONValue(parsing: Array($0))
    }
  }

  private func ourKeys() throws -> [VerificationKey] {
    try KeyFile(parsing: testFile("Attacks/keys/all.jwks.json")).keys
  }

  // MARK: Wycheproof

  /// Returns the `tcId` of every case that verifies, and the number of cases.
  private func verified(_ name: String) throws -> (ids: [String], count: Int) {
    let file = try required(
      try JSONValue(parsing: fileBytes("\(Self.folder)/wycheproof/\(name)_test.json")).object)
    var ids: [String] = []
    var count = 0
    for group in file["testGroups"]?.array ?? [] {
      let group = try required(group.object)
      let jwk = try required(group["public"] ?? group["private"])
      let keys = (try? KeyFile(parsing: jwk.compactText).keys) ?? []
      for test in group["tests"]?.array ?? [] {
        let test = try required(test.object)
        let token = (test["jws"] ?? test["jwe"])?.string ?? []
        count += 1
        if refusal(of: token, by: keys) == nil {
          ids.append(String(decoding: test["tcId"]?.number ?? [], as: UTF8.self))
        }
      }
    }
    return (ids, count)
  }

  @Test func wycheproofSignatures() throws {
    let (ids, count) = try verified("json_web_signature")
    #expect(count == 401)
    // Wycheproof calls 46 valid. Of these, 10 are HS*, 4 have a JWK whose alg is not the token's,
    // and 6 (259, 264, 268, 272, 320, 325) have an empty payload, which a webhook never has.
    #expect(
      ids == [
        "18", "33", "260", "261", "262", "263", "265", "266", "267", "269", "270", "271", "273",
        "274", "275", "287", "288", "321", "322", "323", "326", "327", "328", "345", "349", "378",
      ])
  }

  @Test func wycheproofKeys() throws {
    // 7 has a good signature by a weak key. We do not check for this weakness (ROCA).
    let ids = try verified("json_web_key").ids
    #expect(ids == ["5", "7"])
  }

  @Test func wycheproofCrypto() throws {
    let ids = try verified("json_web_crypto").ids
    #expect(ids == ["18", "33", "46"])  // 46: the same key
  }

  @Test func wycheproofEncryptionIsNeverVerified() throws {
    let (ids, count) = try verified("json_web_encryption")
    #expect(ids == [])
    #expect(count == 139)
  }

  // MARK: RFCs and libraries

  @Test func tokensOfStandardsAndLibrariesVerifyOrAreRefusedAsTheySay() throws {
    let vectors = try lines("tokens/tokens.jsonl").compactMap(\.object)
    #expect(vectors.count == 59)
    for vector in vectors {
      let name = strings(vector["name"])[0]
      let keys: [VerificationKey]
      switch vector["key"] {
      case .object(let jwk):
        keys = (try? KeyFile(parsing: JSONValue.object(jwk).compactText).keys) ?? []
      case .string(let pem): keys = try KeyFile(parsing: pem).keys
      default: keys = try ourKeys()
      }
      let reason = refusal(
        of: vector["token"]?.string ?? vector["token"]?.compactText ?? [], by: keys)
      // Its header is not UTF-8, and the header's syntax is checked before its algorithm.
      if name == "jwt-kit-hs256-4" {
        #expect(reason == .malformedHeader)
        continue
      }
      switch strings(vector["expect"])[0] {
      case "valid": #expect(reason == nil, "\(name)")
      case "malformed":
        #expect([.malformedToken, .malformedHeader].contains(reason), "\(name)")
      case "malformed or algorithm-not-allowed": #expect(reason == .malformedToken, "\(name)")
      case let codeWord: #expect(reason?.codeWord == codeWord, "\(name)")
      }
    }
  }

  @Test func seedsOfFuzzersAreRefused() throws {
    let seeds = try lines("tokens/fuzz-seeds.jsonl")
    #expect(seeds.count == 106)
    let keys = try ourKeys()
    for seed in seeds { #expect(refusal(of: seed.string ?? [], by: keys) != nil) }
  }
}
