internal import CommandLineProgram
internal import WebhookCore

/// Asks the responder for its status page.
struct StatusRequest {
  private static let mostPageBytes = 1 << 22

  let url: String
  let caFile: String?
  let timeout: Age

  /// - Throws: `CommandError` if it cannot ask.
  func result(under limits: MonitorLimits, of instance: String?) async throws -> PluginResult {
    var request = HTTPRequest(
      url: url, caFile: caFile, headers: [("Accept", "application/json")],
      maxAnswerBytes: Self.mostPageBytes)
    request.maxSeconds = timeout.seconds
    switch try await request.outcome() {
    case .silence(let reason):
      return PluginResult(
        .init(
          state: .critical, sentence: "no answer from \(url): \(reason)",
          remedy: "look at the web server"))
    case .answer(let answer):
      guard answer.status == 200 else { return refusal(answer.status) }
      guard let page = StatusPage(parsing: answer.body) else {
        return unknown(
          "\(url) is no status page of delve-webhook", "compare it with the web server's locations")
      }
      guard let instance else { return page.spool(of: nil).result(under: limits) }
      guard page.instanceNames.contains(instance) else {
        return unknown(
          "no instance called \(instance)",
          "there: \(page.instanceNames.joined(separator: ", "))")
      }
      return page.spool(of: instance).result(under: limits)
    }
  }

  private func refusal(_ status: Int) -> PluginResult {
    let sentence = "\(url) answered \(status)"
    switch status {
    case 401, 403:
      return unknown(sentence, "let this machine see the page, in the web server's location")
    case 404: return unknown(sentence, "compare it with the web server's locations")
    case 501:
      return unknown(
        sentence, "this web server starts several processes: leave --url away, to look at the spool"
      )
    case 500...:
      return PluginResult(
        .init(
          state: .critical, sentence: sentence,
          remedy: "the responder does not answer: systemctl status delve-webhook"))
    default: return unknown(sentence, "it should answer 200")
    }
  }

  private func unknown(_ sentence: String, _ remedy: String) -> PluginResult {
    PluginResult(.init(state: .unknown, sentence: sentence, remedy: remedy))
  }
}
