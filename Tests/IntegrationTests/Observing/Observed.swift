internal import StrictJSON
internal import TestSupport
internal import Testing

/// The configuration with a second instance, `beta`, with the same key.
func twoInstances(settings: String = "") -> String {
  exampleConfiguration(settings: settings) + """

      beta:
        url: https://beta.delvesecurity.app
        keys: [\(TestKey.p521.path)]
    """
}

extension ResponderUnderTest {
  /// What a location answers that shows what the responder does.
  func observe(
    _ hook: String, accept: String = "*/*", method: String = "GET", instance: String? = nil
  ) throws -> FastCGIClient.Response {
    var parameters: [(String, [UInt8])] = [
      ("REQUEST_METHOD", Array(method.utf8)), ("DELVE_HOOK", Array(hook.utf8)),
      ("HTTP_ACCEPT", Array(accept.utf8)),
    ]
    if let instance { parameters.append(("DELVE_INSTANCE", Array(instance.utf8))) }
    return try client().request(parameters)
  }

  /// The values of all samples.
  func metrics() throws -> [String: String] { samples(in: try observe("metrics").text) }

  /// What the status page says. On a busy machine, it may find that its look at the disk had no turn
  /// for half a second: then it is asked again.
  func status() async throws -> StatusReport {
    var report = try statusOnce()
    _ = try await eventually {
      let isLate = report.findings.contains { $0.contains("disk has not answered") }
      if isLate { report = try statusOnce() }
      return !isLate
    }
    return report
  }

  func statusOnce() throws -> StatusReport {
    try StatusReport(try observe("status", accept: "application/json").text)
  }

  /// Replaces the configuration, and waits until the log has said so often what became of it.
  func reload(_ configuration: String, logs text: String) async throws {
    try folder.write(configuration.utf8, to: "config.yaml")
    let before = log.matches(of: text).count
    process.send(signal: 1)
    #expect(
      try await eventually { log.matches(of: text).count > before },
      "the log does not say once more: \(text)")
  }
}

extension String {
  fileprivate func matches(of text: String) -> [Range<String.Index>] { ranges(of: text) }
}

/// The status page's JSON.
struct StatusReport {
  let json: JSONObject

  init(_ text: String) throws {
    json = try #require(try JSONValue(parsing: Array(text.utf8)).object)
  }

  func text(_ key: String) -> String { strings(json[key]).first ?? "" }

  var verdict: String { text("verdict") }

  /// Each with its severity in front.
  var findings: [String] {
    objects("findings").map { "\(strings($0["severity"])[0]): \(strings($0["finding"])[0])" }
  }

  func objects(_ key: String) -> [JSONObject] { json[key]?.array?.compactMap(\.object) ?? [] }

  func instance(_ name: String) throws -> JSONObject {
    try #require(objects("instances").first { $0["name"] == .string(name) })
  }
}
