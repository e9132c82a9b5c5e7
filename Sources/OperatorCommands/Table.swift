internal import CommandLineProgram
internal import Glibc

/// Prints rows in columns as wide as their widest cell. At a terminal, a row is cut to the
/// terminal's width.
/// - Parameter columns: their headings; nil: none.
func printTable(columns: [String]?, rows: [[String]]) {
  let all = (columns.map { [$0] } ?? []) + rows
  guard let first = all.first else { return }
  let widths = first.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
  let limit = terminalWidth() ?? .max
  var text = ""
  for row in all {
    let cells = row.enumerated().map { index, cell in
      index == row.count - 1
        ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
    }
    text += cells.joined(separator: "  ").prefix(limit) + "\n"
  }
  printResult(Array(text.utf8))
}

/// Of the terminal that standard output is; nil if it is none.
private func terminalWidth() -> Int? {
  var size = winsize()
  guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
  return Int(size.ws_col)
}
