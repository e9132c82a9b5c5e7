internal import LinuxSystem

/// Further header fields of each request, one `Name: value` a line: a file, so that a token stands
/// in no command line. Read again for each batch, for tokens change.
struct HeaderFile {
  private static let maximumBytes = 65_536

  let path: String

  /// - Throws: `TargetError`, if it cannot be read or holds anything else.
  func fields() throws(TargetError) -> [String] {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try contents(ofFile: path, maxBytes: Self.maximumBytes)
    } catch {
      throw .misconfigured("\(path): \(error.reason)")
    }
    guard bytes.count <= Self.maximumBytes else {
      throw .misconfigured("\(path) is longer than \(Self.maximumBytes) bytes")
    }
    do throws(HeaderFileError) {
      return try headerFields(parsing: bytes)
    } catch {
      switch error {
      // It may just be written again: do not go without credentials.
      case .empty: throw .unavailable("\(path) is empty")
      case .notAField(let line):
        throw .misconfigured("\(path): line \(line) is not Name: value")
      }
    }
  }
}

enum HeaderFileError: Error, Equatable {
  case empty
  case notAField(line: Int)
}

/// The header fields in `text`, one a line; empty lines are passed over.
func headerFields(parsing text: [UInt8]) throws(HeaderFileError) -> [String] {
  var fields: [String] = []
  let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  for (index, line) in lines.enumerated() {
    // An editor may end lines in CR LF.
    let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    if line.isEmpty { continue }
    guard isField(line) else { throw .notAField(line: index + 1) }
    fields.append(String(decoding: line, as: UTF8.self))
  }
  guard !fields.isEmpty else { throw .empty }
  return fields
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
