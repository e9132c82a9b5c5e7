internal import Glibc
internal import TestSupport

/// A program at a terminal of its own (script(1)), and what is then seen there.
struct Terminal {
  var columns = 80
  var environment: [String: String] = [:]

  /// Runs a shell script there.
  /// - Returns: what it wrote, byte for byte; the exit code is the script's.
  func run(_ script: String, at site: SpoolSite) async throws -> CommandResult {
    let path = try site.folder.write("stty cols \(columns) rows 24; \(script)\n".utf8, to: "typed")
    return try await site.shell(
      "script -qefc 'sh \(path)' /dev/null </dev/null", environment: environment)
  }

  /// The rows of a screen that took `output`, without blanks at their ends. It knows no escape codes.
  func rows(_ output: String) -> [String] {
    var rows: [[UInt8]] = [[]]
    var column = 0
    for byte in output.utf8 {
      switch byte {
      case UInt8(ascii: "\r"): column = 0
      case UInt8(ascii: "\n"): rows.append([])
      default:
        if column == columns {
          rows.append([])
          column = 0
        }
        var row = rows.removeLast()
        while row.count <= column { row.append(UInt8(ascii: " ")) }
        row[column] = byte
        rows.append(row)
        column += 1
      }
    }
    return rows.map { row in
      let end = row.lastIndex { $0 != UInt8(ascii: " ") }.map { $0 + 1 } ?? 0
      return String(decoding: row[..<end], as: UTF8.self)
    }
  }
}
