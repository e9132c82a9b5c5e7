internal import CommandLineProgram
/// A request as somebody captured it: raw HTTP/1.1 text (RFC 9112), or only a token.
struct CapturedRequest {
  var method: [UInt8] = Array("POST".utf8)
  var target: [UInt8] = []
  private(set) var fields: [(name: String, value: [UInt8])] = []
  private(set) var body: [UInt8] = []
  /// No request around it: there can be no `X-Signature`.
  let isTokenAlone: Bool

  /// A text whose first line ends with an HTTP version is a request, anything else a token, with or
  /// without `Signed` before it and line breaks around it.
  init(parsing text: [UInt8]) throws(CommandError) {
    let firstLine = text.prefix { $0 != 0x0A }
    let words = firstLine.filter { $0 != 0x0D }.split(separator: 0x20)
    guard words.count == 3, words[2].starts(with: "HTTP/".utf8) else {
      isTokenAlone = true
      let token = Self.trimmed(text[...])
      guard !token.isEmpty else { throw .noInput("nothing to explain: the input is empty") }
      let isBare = !token.contains(0x20)
      fields = [("authorization", (isBare ? Array("Signed ".utf8) : []) + token)]
      return
    }
    isTokenAlone = false
    method = Array(words[0])
    target = Array(words[1])
    try parseFields(text[firstLine.endIndex...].dropFirst())
  }

  private mutating func parseFields(_ text: ArraySlice<UInt8>) throws(CommandError) {
    var rest = text
    while !rest.isEmpty {
      let line = rest.prefix { $0 != 0x0A }
      rest = rest[line.endIndex...].dropFirst()
      let field = Self.trimmed(line)
      guard !field.isEmpty else { break }
      // A line that begins with a blank or a tab goes on with the value before (RFC 9112 §5.2).
      guard let colon = field.firstIndex(of: UInt8(ascii: ":")), line.first != 0x20,
        line.first != 0x09
      else {
        throw .noInput("line \(fields.count + 2) of the request is not a header field")
      }
      let name = String(decoding: field[..<colon], as: UTF8.self).lowercased()
      fields.append((name, Self.trimmed(field[(colon + 1)...])))
    }
    guard self["transfer-encoding"].isEmpty else {
      throw .noInput("the request is chunked: capture it with its body decoded and its length")
    }
    body = Array(rest)
  }

  /// Every value of the field called `name`, in order.
  subscript(name: String) -> [[UInt8]] { fields.filter { $0.name == name }.map(\.value) }

  /// Without blanks, tabs and line breaks at either end.
  private static func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] {
    func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
    return Array(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}
