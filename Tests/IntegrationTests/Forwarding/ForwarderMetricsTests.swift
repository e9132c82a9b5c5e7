internal import Foundation
internal import Glibc
internal import Synchronization
internal import TestSupport
internal import Testing

/// What `delve-webhook-forward` tells node_exporter and the service manager.
@Suite(.noHang)
struct ForwarderMetricsTests {
  private let site: SpoolSite

  init() throws {
    site = try SpoolSite()
    try site.folder.makeFolder("metrics")
  }

  private var file: String { "\(site.path)/metrics/forward.prom" }

  private func value(_ name: String, reason: String? = nil) -> Double? {
    let labels = #"consumer="forward",spool="\#(site.path)/spool""#
    let end = reason.map { #",reason="\#($0)""# } ?? ""
    return samples(in: site.text("metrics/forward.prom"))[
      "delve_webhook_consumer_\(name){\(labels)\(end)}"
    ].flatMap(Double.init)
  }

  @Test func everyEndOfAnEventIsCounted() async throws {
    let names = try site.addEvents(9, issuedApart: 60)
    try site.folder.write("none".utf8, to: "spool/acme/new/\(names[8])")
    let target = try AnsweringServer { body in
      if body.contains(#""subject":"export/3""#) { return .status(429) }
      if body.contains(#""subject":"export/4""#) { return .status(422, text: "no\u{1B}[31m") }
      return .status(204)
    }
    // The one that is refused is given up at once or the next time.
    var (done, putOff, rounds) = (0, 0.0, 0)
    repeat {
      let result = try await site.forward(to: target.url, "--metrics-file", file)
      let lines = result.errorOutput.split(separator: "\n")
      func count(_ words: String...) -> Double {
        Double(lines.count { line in words.allSatisfy { line.contains($0) } })
      }
      #expect(value("handled_total") == Double(site.count("done") - done))
      #expect(value("put_off_total") == count("result=put-off"), "\(result)")
      #expect(value("given_up_total", reason: "noevent") == count("result=dead", "no event"))
      #expect(value("given_up_total", reason: "answer") == count("result=dead", "answer=422"))
      #expect(try #require(value("oldest_age_seconds")) > 0)
      (done, putOff) = (site.count("done"), putOff + count("result=put-off"))
      rounds += 1
      for name in names { try site.makeDue(name) }
      try site.addEvents(4, from: 10 * rounds, issuedApart: 60)
    } while site.count("dead") < 2 && rounds < 10
    #expect(site.count("dead") == 2 && done >= 6 && putOff >= 1)
    let text = site.text("metrics/forward.prom")
    let check = try await command("promtool", ["check", "metrics"], input: text)
    #expect(check.exitCode == 0 && check.output + check.errorOutput == "", "\(check)")
    let scrape = try await scraped(
      byNodeExporterFrom: "\(site.path)/metrics", log: "\(site.path)/node-exporter.log")
    #expect(scrape.contains("\nnode_textfile_scrape_error 0\n"))
    #expect(scrape.contains(#"{consumer="forward",reason="answer",spool="\#(site.path)/spool"} 1"#))
  }

  @Test func whoCannotReachTheTargetSaysSo() async throws {
    let isAway = Atomic(true)
    let target = try AnsweringServer { _ in
      isAway.load(ordering: .relaxed)
        ? .status(503, text: "closed\u{1B}[31m\n" + String(repeating: "x", count: 10_000))
        : .status(204)
    }
    let manager = try DatagramReceiver("\(site.path)/notify")
    try site.addEvents(5, issuedFrom: Int(Date.now.timeIntervalSince1970) - 7_200)
    let forwarder = try SpawnedProcess(
      "env",
      [
        "NOTIFY_SOCKET=\(site.path)/notify", Repository.executable("delve-webhook-forward"),
        "--spool", "\(site.path)/spool", "--follow", "--to", target.url, "--metrics-file", file,
      ], log: "\(site.path)/forward.log")
    var waiting = ""
    #expect(
      try await eventually {
        waiting = manager.next() ?? ""
        return waiting.hasPrefix("STATUS=Waiting: the target takes no events: ")
      })
    #expect(waiting.count < 500 && waiting.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    #expect(waiting.contains("; 0 handled, 0 put off, 0 given up since "), "\(waiting)")
    #expect(waiting.hasSuffix("; the oldest has waited 2 hours"), "\(waiting)")
    #expect(value("handled_total") == 0)
    isAway.store(false, ordering: .relaxed)
    #expect(
      try await eventually {
        manager.next()?.hasPrefix("STATUS=5 handled, 0 put off") ?? false
      })
    #expect(try await eventually { value("oldest_age_seconds") == 0 })
    #expect(value("handled_total") == 5)
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
  }

  @Test func folderThatIsMissingIsRefused() async throws {
    let result = try await site.forward(
      to: "http://localhost:1/", "--metrics-file", "\(site.path)/away/x.prom")
    #expect(result.exitCode == 73 && result.errorOutput.contains("make the file's folder"))
  }
}
