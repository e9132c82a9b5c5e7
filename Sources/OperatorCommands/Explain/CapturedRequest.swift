internal import CommandLineProgram
internal import EventSpool

/// A request as somebody captured it: raw HTTP/1.1 text (RFC 9112), only header lines, what
/// `curl -v` prints, or only a token.
struct CapturedRequest {
  var method: [UInt8] = Array("POST".utf8)
  var target: [UInt8] = []
  private(set) var fields: [(name: String, value: [UInt8])] = []
  private(set) var body: [UInt8] = []
  /// No request around it: there can be no `X-Signature`.
  let isTokenAlone: Bool

  /// A text whose first line ends with an HTTP version, or names one of the two header fields, is a
  /// request. Anything else is a token, with or without `Signed` before it; line breaks in it do
  /// not count, for articles and terminals wrap it.
  init(parsing original: [UInt8]) throws(CommandError) {
    // A body may hold lines that look like curl's.
    let text = Self.requestLine(of: original) == nil ? Self.withoutMarksOfCurl(original) : original
    if let (line, words) = Self.requestLine(of: text) {
      isTokenAlone = false
      method = Array(words[0])
      target = Array(words[1])
      try parseFields(text[line.endIndex...].dropFirst(), firstLineNumber: 2)
      return
    }
    let lines = text.split(separator: 0x0A)
    if lines.contains(where: Self.isFieldOfADelivery) {
      isTokenAlone = false
      try parseFields(text[...], firstLineNumber: 1)
      return
    }
    isTokenAlone = true
    let token = Self.unwrapped(text)
    guard !token.isEmpty else { throw .noInput("nothing to explain: the input is empty") }
    let isBare = !token.contains(0x20)
    fields = [("authorization", (isBare ? Array("Signed ".utf8) : []) + token)]
  }

  /// Nil if the first line is none.
  private static func requestLine(
    of text: [UInt8]
  ) -> (line: ArraySlice<UInt8>, words: [ArraySlice<UInt8>])? {
    let line = text.prefix { $0 != 0x0A }
    let end = line.last == 0x0D ? line.endIndex - 1 : line.endIndex
    let words = line[..<end].split(separator: 0x20)
    guard words.count == 3, words[2].starts(with: "HTTP/".utf8) else { return nil }
    return (line, words)
  }

  /// The request of what `curl -v` prints: its lines begin with `> `, others with `* ` or `< `.
  /// Other texts stay as they are.
  private static func withoutMarksOfCurl(_ text: [UInt8]) -> [UInt8] {
    let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
    guard lines.contains(where: { $0.starts(with: "> ".utf8) }) else { return text }
    return Array(
      lines.filter { $0.starts(with: ">".utf8) }.map {
        $0.dropFirst($0.starts(with: "> ".utf8) ? 2 : 1)
      }
      .joined(separator: [0x0A]))
  }

  private static func isFieldOfADelivery(_ line: ArraySlice<UInt8>) -> Bool {
    let name = String(decoding: line.prefix { $0 != 0x3A }, as: UTF8.self).lowercased()
    return line.contains(0x3A) && ["authorization", "x-signature"].contains(name)
  }

  private static func isOfAToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"),
      UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// Without the line breaks, and the blanks around them. The one blank behind the scheme stays.
  private static func unwrapped(_ text: [UInt8]) -> [UInt8] {
    let lines = text.split(separator: 0x0A).map(trimmed).filter { !$0.isEmpty }
    var token = Array(lines.joined())
    if lines.first?.elementsEqual("Signed".utf8) ?? false { token.insert(0x20, at: 6) }
    return token
  }

  private mutating func parseFields(
    _ text: ArraySlice<UInt8>, firstLineNumber: Int
  ) throws(CommandError) {
    var rest = text
    var lineNumber = firstLineNumber - 1
    while !rest.isEmpty {
      let line = rest.prefix { $0 != 0x0A }
      rest = rest[line.endIndex...].dropFirst()
      let field = Self.trimmed(line)
      guard !field.isEmpty else { break }
      lineNumber += 1
      if fields.last?.name == "authorization", field.allSatisfy(Self.isOfAToken) {
        fields[fields.count - 1].value += field
        continue
      }
      // A line that begins with a blank or a tab goes on with the value before (RFC 9112 §5.2).
      guard let colon = field.firstIndex(of: UInt8(ascii: ":")), line.first != 0x20,
        line.first != 0x09
      else {
        throw .noInput(
          "line \(lineNumber) of the request is not a header field")
      }
      let name = String(decoding: field[..<colon], as: UTF8.self).lowercased()
      let value = line[(line.startIndex + colon + 1)...]
      fields.append((name, isKept ? Self.asItCame(value) : Self.trimmed(value)))
    }
    guard self["transfer-encoding"].isEmpty else {
      throw .noInput("the request is chunked: capture it with its body decoded and its length")
    }
    body = Array(rest)
  }

  /// Whether the responder has kept it, and says so in front of the sender's fields.
  var isKept: Bool { fields.first?.name == KeptField.time.rawValue.lowercased() }

  /// Every value of the field called `name`, in order.
  subscript(name: String) -> [[UInt8]] { fields.filter { $0.name == name }.map(\.value) }

  /// In a kept request blanks at either end are the sender's, but for the one behind the colon.
  private static func asItCame(_ value: ArraySlice<UInt8>) -> [UInt8] {
    Array(value.dropFirst(value.first == 0x20 ? 1 : 0).dropLast(value.last == 0x0D ? 1 : 0))
  }

  /// Without blanks, tabs and line breaks at either end.
  private static func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] {
    func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
    return Array(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}
