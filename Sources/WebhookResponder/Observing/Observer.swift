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

  /// - Parameter accept: every `Accept` that came.
  func page(
    _ observation: Route.Observation, of instances: [Instance], for accept: [[UInt8]]
  ) -> HTTPResponse {
    let report = Report(of: self, instances)
    switch observation {
    case .metrics:
      return accepts("application/openmetrics-text", accept)
        ? HTTPResponse(
          "application/openmetrics-text; version=1.0.0; charset=utf-8", report.openMetrics)
        : HTTPResponse("text/plain; version=0.0.4; charset=utf-8", report.prometheusText)
    case .status:
      return accepts("application/json", accept)
        ? HTTPResponse("application/json", report.json.line)
        : HTTPResponse("text/html; charset=utf-8", StatusPage(report).bytes, StatusPage.headers)
    }
  }
}

/// Whether an `Accept` names the media type (RFC 9110 §12.5.1), and not with the weight 0. A wildcard
/// does not name it.
/// - Parameter type: in lower case.
func accepts(_ type: String, _ values: [[UInt8]]) -> Bool {
  values.joined(separator: [UInt8(ascii: ",")]).split(separator: UInt8(ascii: ",")).contains {
    let parts = $0.split(separator: UInt8(ascii: ";")).map {
      String(decoding: $0, as: UTF8.self).filter { $0 != " " && $0 != "\t" }.lowercased()
    }
    let isRefused = parts.dropFirst().contains {
      ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains($0)
    }
    return parts.first == type && !isRefused
  }
}
