internal import EventSpool
internal import Foundation
internal import LinuxSystem
internal import ServiceProcess
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore
@testable internal import WebhookResponder

/// What is shown of texts that others wrote.
struct ReportTests {
  private static let markup = #"</td><script>alert("1")</script><img src=x onerror='y'>&amp;"#

  private let folder: TemporaryFolder
  private let observer: Observer
  private let tally: Tally
  private let instance: Instance

  /// An observer of a spool with a dead event. Its threads end with the process.
  init() async throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let config = try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let environment = Environment(variables: [:])
    let current = try CurrentSnapshot(
      configurationPath: config, log: Log(environment: environment),
      manager: ServiceManager(environment: environment))
    var record = AttemptRecord()
    record.ending = .answer(Self.markup)
    record.output = "first\n\(Self.markup)\u{1B}[31m"
    let dead = "20260921T141320Z-export-done-<b>-\(String(repeating: "<", count: 32)).json"
    try folder.write([], to: "spool/acme/dead/\(dead)")
    try folder.write(record.line, to: "spool/acme/dead/\(dead).state")
    let counters = Counters(startedAt: .now())
    tally = counters.newTally()
    instance = current.value.configuration.instances[0]
    observer = Observer(
      current: current, counters: counters, connections: try Connections(maximum: 8),
      watch: SpoolWatch(current), check: SpoolCheck(current), workersLimit: 16)
    try observer.watch.start()
    try observer.check.start()
    let watch = observer.watch
    let isRead = try await eventually {
      watch.value.instances.values.contains { $0.lookedAt != nil && $0.history != nil }
    }
    #expect(isRead, "the watch has not looked at the spool")
  }

  private func page(_ observation: Route.Observation, accept: String = "*/*") -> String {
    let response = observer.page(observation, of: [instance], for: [Array(accept.utf8)])
    return String(decoding: response.bytes(hasBody: true), as: UTF8.self)
  }

  private func addHostileDeliveries() throws {
    let event = try exampleEvent(id: Self.markup.replacing("\"", with: #"\""#)).summary
    #expect(event.subject == "export/\(Self.markup)")
    let now = Timestamp.now().millisecondsSince1970
    tally.add(try decidedRequest(.stored(event), at: now), sentBytes: 1)
    var refused = try decidedRequest(.refused(Refusal(.badSignature)), at: now)
    refused.keptAs = "acme/refused/<i>.http"
    tally.add(refused, sentBytes: 1)
  }

  @Test func textsOfOthersAreNoMarkup() throws {
    try addHostileDeliveries()
    let page = page(.status)
    for tag in ["<script", "<img", "<b>", "<i>", "onerror='"] {
      #expect(!page.contains(tag), "\(tag)")
    }
    let shown = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"
    // The subject. Of the reason and the output, quotation marks and control bytes are told apart.
    #expect(page.components(separatedBy: shown).count == 2)
    #expect(page.contains(#"&lt;script&gt;alert(\&quot;1\&quot;)&lt;/script&gt;"#))
    #expect(page.contains(#"\u{1B}[31m"#))
    #expect(page.contains("kept as acme/refused/&lt;i&gt;.http"))
    #expect(!page.contains("\u{1B}"))
    // The control: tags of our own.
    #expect(page.contains("<td data-heading=\"Event\">export/&lt;/td&gt;"))
  }

  @Test func pageHasItsHeadersAndNoScript() throws {
    let head = try #require(page(.status).split(separator: "\r\n\r\n").first)
    #expect(head.hasPrefix("Status: 200 OK\r\n"))
    #expect(head.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"))
    #expect(head.contains("\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-"))
    #expect(!head.contains("unsafe"))
    for line in ["Cache-Control: no-store", "Vary: Accept", "X-Content-Type-Options: nosniff"] {
      #expect(head.contains("\r\n\(line)\r\n"), "\(line)")
    }
  }

  @Test func jsonIsStrictAndHasTheTextsAsTheyAre() throws {
    try addHostileDeliveries()
    let answer = page(.status, accept: "application/json")
    let body = try #require(answer.split(separator: "\r\n\r\n", maxSplits: 1).last)
    let report = try #require(try JSONValue(parsing: Array(body.utf8)).object)
    let dead = try #require(
      report["instances"]?.array?.first?.object?["dead"]?.array?.first?.object)
    #expect(strings(dead["reason"])[0].hasPrefix("answer=</td><script>"))
    #expect(strings(dead["output"])[0].hasPrefix("</td><script>"))
    let recent = try #require(report["recent"]?.array)
    #expect(recent.count == 2)
    #expect(Set(recent.flatMap { strings($0.object?["subject"]) }) == ["export/\(Self.markup)"])
    #expect(report["verdict"] == .string("attention"))
  }

  @Test func metricsHaveNoTextOfOthers() throws {
    try addHostileDeliveries()
    for accept in ["text/plain", "application/openmetrics-text"] {
      let text = page(.metrics, accept: accept)
      #expect(!text.contains("script"))
      #expect(text.contains(#"code="bad-signature"} 1"#))
    }
  }

  @Test(
    arguments: [
      (0, "0 s"), (59, "59 s"), (60, "1 min"), (3_725, "1 h 2 min"), (90_061, "1 d 1 h"),
      (86_460, "1 d"), (-5, "0 s"),
    ] as [(Int64, String)])
  func durationIsToldInItsTwoLargestUnits(seconds: Int64, words: String) {
    #expect(inWords(seconds) == words)
  }
}
