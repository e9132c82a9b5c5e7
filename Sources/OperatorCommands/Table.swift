internal import CommandLineProgram
internal import Glibc

/// Rows of ASCII in columns as wide as their widest cell. Each row is handed over twice, first to be
/// measured, then to be printed: so none is kept. At a terminal, a row is cut to the terminal's
/// width, and ends in two dots if that took something away.
struct Table {
  private let columns: [[UInt8]]
  private var widths: [Int]
  private let limit = terminalColumns(STDOUT_FILENO) ?? .max
  private var output = OutputBuffer()

  init(columns: [String]) {
    self.columns = columns.map { Array($0.utf8) }
    widths = self.columns.map(\.count)
  }

  mutating func measure(_ row: [[UInt8]]) {
    for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
  }

  mutating func printHead() { print(columns) }

  mutating func print(_ row: [[UInt8]]) {
    var line: [UInt8] = []
    line.reserveCapacity(128)
    for (index, cell) in row.enumerated() {
      line += cell
      if index < row.count - 1 {
        line.append(contentsOf: repeatElement(0x20, count: widths[index] - cell.count + 2))
      }
    }
    if line.count > limit {
      line.replaceSubrange(max(0, limit - 2)..., with: "..".utf8.prefix(limit))
    }
    line.append(UInt8(ascii: "\n"))
    output.append(line)
  }

  mutating func flush() { output.flush() }
}

/// A whole table.
func printTable(columns: [String], rows: [[String]]) {
  var table = Table(columns: columns)
  let rows = rows.map { row in row.map { Array($0.utf8) } }
  for row in rows { table.measure(row) }
  table.printHead()
  for row in rows { table.print(row) }
  table.flush()
}
