/// Prints rows in columns as wide as their widest cell, the last one as it is.
func printTable(columns: [String], rows: [[String]]) {
  let all = [columns] + rows
  let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
  for row in all {
    let cells = row.enumerated().map { index, cell in
      index == row.count - 1
        ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
    }
    printResult(cells.joined(separator: "  "))
  }
}
