package import StrictJSON

/// One line of `Tests/Attacks/attacks.jsonl`. ATTACKS.md explains the members.
package struct AttackCase: Sendable, CustomStringConvertible {
  package let name: String
  /// Each character of the file's text stands for one byte.
  package let authorization, xSignature: [UInt8]?
  package let body: [UInt8]
  package let keys, algorithms, after: [String]
  package let now: Int64
  package let hook: String?
  package let config: JSONObject
  package let status: Int
  package let codeWord: String

  package var description: String { name }

  /// The whole catalogue, in its order.
  package static let all: [AttackCase] = {
    let lines = ((try? testFile("Attacks/attacks.jsonl")) ?? []).split(separator: 0x0A)
    return lines.compactMap { AttackCase(line: Array($0)) }
  }()

  private init?(line: [UInt8]) {
    guard let json = (try? JSONValue(parsing: line))?.object,
      let name = json["name"]?.string.map({ String(decoding: $0, as: UTF8.self) }),
      let now = json["now"]?.number.flatMap({ Int64(String(decoding: $0, as: UTF8.self)) }),
      let expected = json["expect"]?.object,
      let status = expected["status"]?.number.flatMap({ Int(String(decoding: $0, as: UTF8.self)) }),
      let codeWord = expected["code"]?.string
    else { return nil }
    self.name = name
    self.now = now
    self.status = status
    self.codeWord = String(decoding: codeWord, as: UTF8.self)
    authorization = json["authorization"]?.string.flatMap(latin1)
    xSignature = json["xsignature"]?.string.flatMap(latin1)
    body = json["body"]?.string.flatMap(latin1) ?? Array("{}".utf8)
    keys = strings(json["keys"])
    algorithms = strings(json["algorithms"])
    after = strings(json["after"])
    hook = strings(json["hook"]).first
    config = json["config"]?.object ?? JSONObject([])
  }
}

/// Returns the strings of a value that is one string or an array of strings.
package func strings(_ value: JSONValue?) -> [String] {
  (value?.array ?? [value].compactMap(\.self)).compactMap {
    $0.string.map { String(decoding: $0, as: UTF8.self) }
  }
}

private func latin1(_ utf8: [UInt8]) -> [UInt8]? {
  let scalars = String(decoding: utf8, as: UTF8.self).unicodeScalars
  let bytes = scalars.compactMap { UInt8(exactly: $0.value) }
  return bytes.count == scalars.count ? bytes : nil
}
