internal import ServiceProcess
internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

/// Shows what the program does, to whoever the web server lets see it. It waits for no disk.
struct Observer: Sendable {
  let current: CurrentSnapshot
  let counters: Counters
  let connections: Connections
  let watch: SpoolWatch
  let check: SpoolCheck
  /// How many may be started; a change of the configuration needs a restart.
  let workersLimit: Int

  /// - Parameter accept: every `Accept` that came.
  func page(
    _ observation: Route.Observation, of instances: [Instance], for accept: [[UInt8]]
  ) -> HTTPResponse {
    let report = Report(of: self, instances)
    switch observation {
    case .metrics:
      return prefers("application/openmetrics-text", to: "text/plain", accept)
        ? HTTPResponse(
          "application/openmetrics-text; version=1.0.0; charset=utf-8", report.openMetrics)
        : HTTPResponse("text/plain; version=0.0.4; charset=utf-8", report.prometheusText)
    case .status:
      return prefers("application/json", to: "text/html", accept)
        ? HTTPResponse("application/json", report.json.line)
        : HTTPResponse("text/html; charset=utf-8", StatusPage(report).bytes, StatusPage.headers)
    }
  }
}
