internal import StrictJSON
internal import TestSupport
internal import Testing

/// A real Prometheus that scrapes the metrics of some web servers every second, with the example
/// configuration and its alert rules.
struct PrometheusServer: Sendable {
  let port: Int

  /// What its HTTP API answers.
  func api(_ path: String, _ parameters: [String: String] = [:]) async throws -> JSONObject? {
    let fields = parameters.flatMap { ["--data-urlencode", "\($0.key)=\($0.value)"] }
    let answer = try await command(
      "curl", ["-s", "-G", "http://127.0.0.1:\(port)/api/v1/\(path)"] + fields)
    return try? JSONValue(parsing: Array(answer.output.utf8)).object?["data"]?.object
  }

  /// The values of the series that an expression finds, sorted.
  func values(_ expression: String) async throws -> [String] {
    let series = try await api("query", ["query": expression])?["result"]?.array ?? []
    return series.compactMap { strings($0.object?["value"]).last }.sorted()
  }

  /// Every target: whether it is up, and what was wrong at the last scrape.
  func targets() async throws -> [(health: String, lastError: String)] {
    (try await api("targets")?["activeTargets"]?.array ?? []).compactMap(\.object).map {
      (strings($0["health"])[0], strings($0["lastError"])[0])
    }
  }
}

/// Runs `body` beside a Prometheus that scrapes the web servers on these ports.
func withPrometheus(
  scraping ports: [Int], in folder: TemporaryFolder,
  _ body: @Sendable (PrometheusServer) async throws -> Void
) async throws {
  let example = "\(Repository.root)/Sources/delve-webhook-fcgi/monitoring"
  let targets = ports.map { "127.0.0.1:\($0)" }.joined(separator: ", ")
  let configuration = String(decoding: try fileBytes("\(example)/prometheus.yml"), as: UTF8.self)
  #expect(configuration.contains("[127.0.0.1:80]"))
  try folder.write(
    ("global: {scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 1s}\n"
      + configuration.replacing("[127.0.0.1:80]", with: "[\(targets)]")
      .replacing("[127.0.0.1:9100]", with: "[]")).utf8, to: "prometheus/prometheus.yml")
  try folder.write(fileBytes("\(example)/alerts.yml"), to: "prometheus/alerts.yml")
  let server = PrometheusServer(port: try freePort())
  let path = "\(folder.path)/prometheus"
  _ = try await withProcess(
    "prometheus",
    [
      "--config.file=\(path)/prometheus.yml", "--storage.tsdb.path=\(path)/data",
      "--web.listen-address=127.0.0.1:\(server.port)",
    ], log: "\(path)/log"
  ) { _ in
    let isUp = try await eventually {
      try await server.targets().count == ports.count
    }
    #expect(isUp, "Prometheus did not start: \(folder.text(of: "prometheus/log").suffix(2_000))")
    try await body(server)
  }
}
