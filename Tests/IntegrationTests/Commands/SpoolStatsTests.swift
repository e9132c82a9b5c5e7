internal import Foundation
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `spool stats`.
@Suite(.noHang)
struct SpoolStatsTests {
  private let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  private func stats(_ arguments: String...) async throws -> CommandResult {
    try await site.delveWebhook(["spool", "stats"] + arguments)
  }

  // MARK: For Prometheus

  /// By Prometheus' own program.
  @Test func textForPrometheusHasNothingThatPromtoolFindsFaultWith() async throws {
    try site.addEvents(2)
    let text = try await stats("--prometheus").output
    let check = try await command("promtool", ["check", "metrics"], input: text)
    #expect(check.exitCode == 0)
    #expect(check.output + check.errorOutput == "")
    // The control: a metric without a sentence is found.
    let bare = text.split(separator: "\n").filter { !$0.hasPrefix("# HELP") }
    let control = try await command(
      "promtool", ["check", "metrics"], input: bare.joined(separator: "\n") + "\n")
    #expect(control.exitCode != 0)
  }

  @Test func samplesOfTwoSpoolsAreDifferentSeries() async throws {
    try site.addEvents(1)
    try site.folder.makeFolder("other")
    try FileManager.default.copyItem(
      atPath: "\(site.path)/spool/acme", toPath: "\(site.path)/other/acme")
    func series(_ spool: String) async throws -> Set<Substring> {
      let text = try await stats("--prometheus", "--spool", "\(site.path)/\(spool)").output
      return Set(
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " } })
    }
    let (one, other) = (try await series("spool"), try await series("other"))
    #expect(one.count == 9)
    #expect(one.contains("delve_webhook_spool_free_bytes{spool=\"\(site.path)/spool\"}"))
    #expect(one.isDisjoint(with: other))
  }

  @Test func pathOfTheSpoolIsEscaped() async throws {
    let spool = try site.folder.makeFolder("a \"b\"\\c\nd/acme").dropLast("/acme".count)
    let text = try await stats("--prometheus", "--spool", String(spool)).output
    #expect(text.contains(#"{spool="\#(site.path)/a \"b\"\\c\nd"} "#))
    let check = try await command("promtool", ["check", "metrics"], input: text)
    #expect(check.exitCode == 0)
  }

  // MARK: Ages

  /// None of them can be claimed, and none has a time in its name.
  @Test(
    arguments: [
      "mkfifo new/a.json", "ln -s nowhere new/a.json", "mkdir new/a.json", "echo >new/a.json",
      #"echo >"$(printf 'defer/\377.json')""#,
    ])
  func whateverWaitsHasAnAge(make: String) async throws {
    let made = try await site.shell(
      "cd \(site.path)/spool/acme && mkdir -p new defer && \(make)"
        + " && touch -h -d '2 hours ago 30 minutes ago' */*.json")
    #expect(made.exitCode == 0)
    let critical = try await stats("--critical-age", "2h")
    #expect(critical.exitCode == 2)
    // The control.
    let good = try await stats("--critical-age", "30d")
    #expect(good.exitCode == 0)
  }

  @Test func tableIsForPeopleAndJSONIsExact() async throws {
    try site.addEvents(1, issuedFrom: Int(Date.now.timeIntervalSince1970) - 150)
    let table = try await stats().output
    #expect(table.contains(/^INSTANCE  STATE  EVENTS  OLDEST\n/), "\(table)")
    #expect(table.contains(/\nacme      new    1       [0-9]+ min\n/), "\(table)")
    #expect(table.contains(/\nfree: [0-9.]+ [kMGT]?B, [0-9]+ inodes\n/), "\(table)")
    let json = try await stats("--json").output
    #expect(json.contains(/"oldestageseconds":[0-9]{3,}/) && json.contains(/"freebytes":[0-9]+,/))
  }

  @Test func exitCodeIsSaidBelowTheTable() async throws {
    try site.addEvents(1)
    let name = try #require(site.events.first)
    let old = name.replacing("20260921", with: "20200921").replacing("/new/", with: "/defer/")
    try site.folder.makeFolder("spool/acme/defer")
    try FileManager.default.moveItem(
      atPath: "\(site.path)/spool/\(name)", toPath: "\(site.path)/spool/\(old)")
    let result = try await stats("--warn-age", "1h", "--critical-age", "1d")
    #expect(result.exitCode == 2)
    let last = result.output.split(separator: "\n").last ?? ""
    #expect(
      last.wholeMatch(
        of:
          /critical: acme\/defer has 1 event, and the oldest has been waiting for \d+ days/) != nil)
    #expect(result.errorOutput == "\(last)\n")
    let warning = try await stats("--warn-age", "1h")
    #expect(warning.exitCode == 1)
    #expect(warning.output.contains("\nwarning: acme/defer has 1 event, and the oldest "))
    let good = try await stats("--critical-age", "99999d")
    #expect(good.exitCode == 0)
    #expect(good.output.contains("\nok: acme/defer has 1 event, and the oldest "))
    #expect(good.errorOutput == "")
    // Nobody asked.
    #expect(try await !stats().output.contains("ok: "))
  }

  @Test func emptySpoolIsSaidToBeWell() async throws {
    #expect(try await stats("--warn-age", "0s").output.hasSuffix("\nok: no event is waiting\n"))
    #expect(try await !stats("--warn-age", "0s", "--json").output.contains("ok: "))
  }

  @Test func exitCodeIsSaidOnceAtATerminal() async throws {
    try site.addEvents(1)
    let result = try await site.shell(
      "script -qec '\"\(site.program)\" spool stats --warn-age 0s' /dev/null </dev/null")
    #expect(result.exitCode == 1)
    #expect(result.output.components(separatedBy: "warning: ").count == 2)
  }

  @Test(arguments: ["--json", "--prometheus"])
  func exitCodeIsNotSaidInWhatAProgramReads(format: String) async throws {
    try site.addEvents(1)
    let plain = try await stats(format)
    #expect(plain.exitCode == 0)
    let result = try await stats(format, "--warn-age", "0s")
    #expect(result.exitCode == 1)
    #expect(!result.output.contains("warning"))
    #expect(result.output.split(separator: "\n").count == plain.output.split(separator: "\n").count)
    #expect(result.errorOutput.hasPrefix("warning: acme/new has 1 event, and the oldest "))
  }
}
