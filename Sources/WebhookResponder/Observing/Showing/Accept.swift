/// Whether the values of `Accept` (RFC 9110 §12.5.1) name a media type, and want it as much as another
/// one or more. A wildcard names none.
/// - Parameter type: in lower case, and so is `other`.
func prefers(_ type: String, to other: String, _ values: [[UInt8]]) -> Bool {
  let ranges = values.flatMap { MediaRange.all(in: $0) }
  func weight(_ type: String) -> Int {
    ranges.filter { $0.type == type }.map(\.weight).max() ?? 0
  }
  return weight(type) > 0 && weight(type) >= weight(other)
}

private struct MediaRange {
  let type: String
  /// In thousandths.
  var weight = 1_000

  static func all(in value: [UInt8]) -> [MediaRange] {
    parts(value[...], at: UInt8(ascii: ",")).map { range in
      let parts = parts(range, at: UInt8(ascii: ";")).map { part in
        String(decoding: part, as: UTF8.self).filter { $0 != " " && $0 != "\t" }.lowercased()
      }
      var range = MediaRange(type: parts.first ?? "")
      if let weight = parts.dropFirst().first(where: { $0.hasPrefix("q=") }) {
        range.weight = thousandths(weight.dropFirst(2))
      }
      return range
    }
  }

  /// Text between quotation marks is not looked into.
  private static func parts(_ text: ArraySlice<UInt8>, at separator: UInt8) -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var start = text.startIndex
    var isQuoted = false
    for index in text.indices {
      if text[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
      if text[index] == separator && !isQuoted {
        parts.append(text[start..<index])
        start = index + 1
      }
    }
    return parts + [text[start...]]
  }

  /// `0.5`, `1`, `0.`: at most three digits behind the point (RFC 9110 §12.4.2). Anything else is 0.
  private static func thousandths(_ text: Substring) -> Int {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? String(parts[1].prefix(3)) : ""
    let padded = fraction + String(repeating: "0", count: 3 - fraction.count)
    guard let whole = Int(parts[0]), let rest = Int(padded), (0...1).contains(whole) else {
      return 0
    }
    return min(1_000, whole * 1_000 + rest)
  }
}
