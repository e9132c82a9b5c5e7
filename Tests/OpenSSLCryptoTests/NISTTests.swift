internal import OpenSSLCrypto
internal import TestSupport
internal import Testing

/// NIST CAVP's response files (FIPS 186-3), with the outcomes that they name. All of their PSS
/// salts have ten bytes, which RFC 7518 §3.5 does not allow.
@Suite(.enabled(if: Repository.foreignVectors != nil, "no vectors: set DELVE_VECTORS"))
struct NISTTests {
  /// The cases of a file. If a case omits a value, it has the value of the case before.
  private func cases(_ name: String, endingWith last: String) throws -> [[String: String]] {
    let path = "\(Repository.foreignVectors ?? "")/nist/\(name).rsp"
    let text = String(decoding: try fileBytes(path), as: UTF8.self)
    var cases: [[String: String]] = []
    var values: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("[") {
        let section = String(line.dropFirst().prefix { $0 != "]" })
        if let bits = section.split(separator: "=").dropFirst().first {
          values["mod"] = bits.trimmingBlanks
        } else {
          values = ["section": section]
        }
      } else if let equals = line.firstIndex(of: "="), !line.hasPrefix("#") {
        let key = line[..<equals].trimmingBlanks
        values[key] = line[line.index(after: equals)...].trimmingBlanks
        if key == last { cases.append(values) }
      }
    }
    return cases
  }

  /// Returns `hex` as a number of exactly `width` bytes, or of more bytes if it does not fit.
  private func padded(_ hex: String?, _ width: Int) -> [UInt8] {
    let digits = hex ?? ""
    let bytes = hexBytes((digits.count % 2 == 1 ? "0" : "") + digits).drop { $0 == 0 }
    return [UInt8](repeating: 0, count: max(0, width - bytes.count)) + bytes
  }

  private let curves: [String: (EllipticCurve, HashFunction)] = [
    "P-256,SHA-256": (.p256, .sha256), "P-384,SHA-384": (.p384, .sha384),
    "P-521,SHA-512": (.p521, .sha512),
  ]

  @Test(arguments: [("SigVer", "Result", 9, 36), ("SigGen", "S", 45, 0)])
  func ellipticCurveSignatures(name: String, last: String, good: Int, bad: Int) throws {
    var outcomes = (good: 0, bad: 0)
    for values in try cases(name, endingWith: last) {
      guard let (curve, hash) = curves[values["section"] ?? ""] else { continue }
      let width = curve.fieldBytes
      let key = try PublicKey(
        on: curve, x: padded(values["Qx"], width), y: padded(values["Qy"], width))
      let isValid = try key.isValidSignature(
        padded(values["R"], width) + padded(values["S"], width),
        for: hexBytes(values["Msg"] ?? ""), scheme: .ecdsa(hash))
      #expect(isValid == (values["Result"]?.hasPrefix("P") ?? true))
      if isValid { outcomes.good += 1 } else { outcomes.bad += 1 }
    }
    #expect(outcomes == (good, bad))
  }

  @Test func publicKeys() throws {
    var outcomes = (good: 0, bad: 0)
    for values in try cases("PKV", endingWith: "Result") {
      guard let curve = EllipticCurve(rawValue: values["section"] ?? "") else { continue }
      let width = curve.fieldBytes
      let key = try? PublicKey(
        on: curve, x: padded(values["Qx"], width), y: padded(values["Qy"], width))
      #expect((key != nil) == (values["Result"]?.hasPrefix("P") ?? false))
      if key != nil { outcomes.good += 1 } else { outcomes.bad += 1 }
    }
    #expect(outcomes == (12, 24))
  }

  @Test(arguments: [("SigVer15_186-3", 27, false), ("SigVerPSS_186-3", 0, true)])
  func rsaSignatures(name: String, good: Int, isPSS: Bool) throws {
    let hashes: [String: HashFunction] = ["SHA256": .sha256, "SHA384": .sha384, "SHA512": .sha512]
    var outcomes = (good: 0, bad: 0)
    for values in try cases(name, endingWith: "Result") {
      guard let hash = hashes[values["SHAAlg"] ?? ""], Int(values["mod"] ?? "") ?? 0 >= 2048 else {
        continue
      }
      let key = try PublicKey(rsaModulus: padded(values["n"], 0), exponent: padded(values["e"], 0))
      let isValid = try key.isValidSignature(
        hexBytes(values["S"] ?? ""), for: hexBytes(values["Msg"] ?? ""),
        scheme: isPSS ? .rsaPSS(hash) : .rsaPKCS1(hash))
      #expect(isValid == (!isPSS && values["Result"]?.hasPrefix("P") == true))
      if isValid { outcomes.good += 1 } else { outcomes.bad += 1 }
    }
    #expect(outcomes == (good, 162 - good))
  }
}

extension Substring {
  fileprivate var trimmingBlanks: String {
    String(self.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
