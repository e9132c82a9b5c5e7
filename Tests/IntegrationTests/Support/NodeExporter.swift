internal import TestSupport
internal import Testing

/// Runs node_exporter with its textfile collector alone, and hands over what it serves.
/// - Parameter folder: whose files it reads.
func scraped(byNodeExporterFrom folder: String, log: String) async throws -> String {
  let port = try freePort()
  let (text, _) = try await withProcess(
    "prometheus-node-exporter",
    [
      "--collector.disable-defaults", "--collector.textfile",
      "--collector.textfile.directory=\(folder)", "--web.listen-address=127.0.0.1:\(port)",
    ], log: log
  ) { (_) async throws in
    var text = ""
    let hasAnswered = try await eventually {
      text = try await command("curl", ["-sS", "http://127.0.0.1:\(port)/metrics"]).output
      return text.contains("node_textfile_scrape_error")
    }
    #expect(hasAnswered, "node_exporter has not read its files: see \(log)")
    return text
  }
  return text
}

/// The values of samples by their names and labels.
func samples(in text: String) -> [String: String] {
  let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
  return Dictionary(
    lines.compactMap { line in
      line.lastIndex(of: " ").map {
        (String(line[..<$0]), String(line[line.index(after: $0)...]))
      }
    }
  ) { first, _ in first }
}
