internal import Glibc

/// Further header fields of each request, one `Name: value` a line: a file, so that a token stands in
/// no command line. Read anew for each batch, for tokens change.
struct HeaderFile {
  private static let maximumBytes = 65_536

  let path: String

  /// - Throws: `TargetFailure`, if it cannot be read or holds anything else.
  func fields() throws(TargetFailure) -> [String] {
    guard let file = fopen(path, "re") else {
      throw .misconfigured("\(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: Self.maximumBytes + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    guard ferror(file) == 0, count <= Self.maximumBytes else {
      throw .misconfigured("\(path) cannot be read, or is over \(Self.maximumBytes) bytes")
    }
    let lines = bytes.prefix(count).split(separator: UInt8(ascii: "\n"))
    // One that is just being written again is no reason to go without credentials.
    guard !lines.isEmpty else { throw .unavailable("\(path) is empty") }
    for (index, line) in lines.enumerated() where !isField(line) {
      throw .misconfigured("\(path): line \(index + 1) is not Name: value")
    }
    return lines.map { String(decoding: $0, as: UTF8.self) }
  }

  /// A token, a colon, and a value of printable ASCII (RFC 9110 §5.1, §5.5).
  private func isField(_ line: ArraySlice<UInt8>) -> Bool {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
      return false
    }
    let isName = line[..<colon].allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        || "!#$%&'*+-.^_`|~".utf8.contains($0)
    }
    let value = line[line.index(after: colon)...].drop { $0 == UInt8(ascii: " ") }
    return isName && !value.isEmpty && value.allSatisfy { (0x20...0x7E).contains($0) }
  }
}
