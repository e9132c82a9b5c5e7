internal import Foundation
internal import Glibc
internal import ServiceProcess
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `monitor`, on a spool and on a status page.
@Suite(.noHang)
struct MonitorTests {
  private let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  private func monitor(_ arguments: String...) async throws -> CommandResult {
    try await monitor(arguments)
  }

  /// - Parameter arguments: without a time limit among them, it is one that no test comes near.
  private func monitor(_ arguments: [String]) async throws -> CommandResult {
    let limit = arguments.contains("--timeout") ? [] : ["--timeout", "1h"]
    let result = try await site.delveWebhook(["monitor"] + limit + arguments)
    expectPluginForm(result)
    return result
  }

  /// As the monitoring plugins' guidelines have it: the state's word, a text, and perhaps numbers.
  private func expectPluginForm(_ result: CommandResult) {
    let first = result.output.prefix { $0 != "\n" }
    let words = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
    guard words.indices.contains(Int(result.exitCode)) else {
      Issue.record("\(result)")
      return
    }
    #expect(first.hasPrefix("\(words[Int(result.exitCode)]) - "), "\(result)")
    #expect(result.output.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x0A })
    let parts = first.split(separator: "|", omittingEmptySubsequences: false)
    #expect(parts.count <= 2)
    #expect(result.output.dropFirst(first.count).contains("|") == false)
    guard parts.count == 2 else { return }
    for number in parts[1].split(separator: " ") {
      #expect(
        number.wholeMatch(of: /[a-z]+=(U|\d+(s|B)?);(\d+:?)?;(\d+:?)?;0/) != nil, "\(number)")
    }
  }

  /// A number of seconds among those for graphs.
  private func number(_ name: String, of result: CommandResult) throws -> Int {
    let rest = try #require(result.output.components(separatedBy: " \(name)=").last)
    return try #require(Int(rest.prefix { $0.isNumber }))
  }

  // MARK: On the spool

  @Test func spoolIsSummedUpWithNumbers() async throws {
    let now = Int(Date.now.timeIntervalSince1970)
    try site.addEvents(3, issuedFrom: now - 7_300)
    let result = try await monitor()
    #expect(result.exitCode == 0)
    #expect(result.output.hasPrefix("OK - 3 waiting, oldest 2 hours, "))
    #expect(
      result.output.contains(
        " free | new=3;;;0 cur=0;;;0 defer=0;;;0 dead=0;0;;0 done=0;;;0 oldest="))
    #expect((7_300..<10_800).contains(try number("oldest", of: result)), "\(result)")
    #expect(result.output.contains(" silence=U;;;0 free="))
    #expect(result.output.split(separator: "\n").count == 1)
    #expect(result.errorOutput == "")
  }

  /// A folder that is named has the limit of a configuration that is named, too.
  @Test func limitOfTheConfigurationHoldsForANamedSpool() async throws {
    try site.addEvents(1, issuedFrom: Int(Date.now.timeIntervalSince1970))
    let wide = "9223372036854775807"
    try site.folder.write(
      exampleConfiguration().replacing("minimum-free-bytes: 0", with: "minimum-free-bytes: \(wide)")
        .utf8, to: "wide.yaml")
    let spool = ["--spool", "\(site.path)/spool"]
    let named = try await monitor(["--config", "\(site.path)/wide.yaml"] + spool)
    #expect(named.exitCode == 2 && named.output.contains(" are free for the spool"), "\(named)")
    #expect(try await monitor(spool).exitCode == 0)
  }

  @Test(arguments: [
    (["--warn-age", "3h"], 0, "OK - 1 waiting, oldest 2 hours, "),
    (["--warn-age", "2h"], 1, "acme: an event in new has waited for 2 hours"),
    (["--critical-age", "2h"], 2, "acme: an event in new has waited for 2 hours"),
    (["--critical-free", "8388607T"], 2, " are free for the spool"),
    (["--warn-free", "8388607T"], 1, " are free for the spool"),
    (["--warn-silence", "7d"], 1, "acme: no delivery in the last 8 days"),
  ])
  func limitsDecide(arguments: [String], exitCode: Int32, text: String) async throws {
    try site.addEvents(1, issuedFrom: Int(Date.now.timeIntervalSince1970) - 7_300)
    let result = try await monitor(arguments)
    #expect(result.exitCode == exitCode)
    #expect(result.output.prefix { $0 != "\n" }.contains(text))
  }

  @Test func eventThatWasGivenUpIsAWarningUnlessItMayBe() async throws {
    let name = try site.addEvents(1)[0]
    try site.folder.makeFolder("spool/acme/dead")
    try FileManager.default.moveItem(
      atPath: "\(site.path)/spool/acme/new/\(name)",
      toPath: "\(site.path)/spool/acme/dead/\(name)")
    let result = try await monitor()
    #expect(result.exitCode == 1)
    #expect(result.output.hasPrefix("WARNING - acme: 1 event was given up | new=0;"))
    #expect(result.output.contains("spool retry"))
    #expect(try await monitor("--warn-dead", "1").exitCode == 0)
    #expect(try await monitor("--critical-dead", "0").exitCode == 2)
  }

  @Test func lastDeliveryIsWhenAFileWasWritten() async throws {
    let event = try exampleEvent()
    try site.folder.write(event.line, to: "spool/acme/ids/20260921T14/\(event.id.hex)")
    let made = try await site.shell(
      "touch -d '5 hours ago' '\(site.path)/spool/acme/ids/20260921T14/\(event.id.hex)'")
    #expect(made.exitCode == 0)
    #expect(try await monitor("--warn-silence", "6h").exitCode == 0)
    let result = try await monitor("--warn-silence", "4h")
    #expect(result.exitCode == 1)
    #expect(result.output.hasPrefix("WARNING - acme: the last delivery was 5 hours ago | "))
    #expect((18_000..<21_600).contains(try number("silence", of: result)), "\(result)")
  }

  @Test func instancesAreOneSumOrEachItsOwn() async throws {
    try site.addEvents(1)
    try site.addEvents(2, instance: "beta")
    let both = try await monitor()
    #expect(both.exitCode == 1)
    #expect(both.output.contains(" | new=3;"))
    #expect(both.output.contains("\nWARNING: acme: an event in new has waited for "))
    #expect(both.output.contains("\nWARNING: beta: an event in new has waited for "))
    #expect(try await monitor("--instance", "beta").output.contains(" | new=2;"))
    #expect(try await monitor("--instance", "gamma").exitCode == 3)
  }

  @Test(arguments: [
    ["--bogus"], ["--warn-age"], ["--warn-age", "x"], ["--warn-silence", "8d"], ["x"],
    ["--url", "http://x/", "--spool", "/x"], ["--ca-file", "/x"], ["--timeout", "0s"],
    ["--spool", "/nonexistent"], ["--config", "/nonexistent"],
  ])
  func whatKeepsItFromKnowingIsUnknown(arguments: [String]) async throws {
    let result = try await monitor(arguments)
    #expect(result.exitCode == 3)
    #expect(result.errorOutput == "")
  }

  @Test func helpIsHelpAndOtherCommandsKeepTheirExitCode() async throws {
    let help = try await site.delveWebhook("monitor", "--help")
    #expect(help.exitCode == 0)
    #expect(help.output.contains("--critical-silence"))
    #expect(try await site.delveWebhook("spool", "stats", "--bogus").exitCode == 64)
  }

  /// strace(1) holds the first look into a folder up, as a disk that does not answer does.
  @Test func diskThatDoesNotAnswerIsUnknown() async throws {
    let result = try await site.shell(
      "exec strace -f -qq -o /dev/null -e trace=getdents64 "
        + "-e inject=getdents64:delay_enter=60s:when=1 \"\(site.program)\" monitor --timeout 1s"
    )
    #expect(result.exitCode == 3)
    #expect(
      result.output.hasPrefix("UNKNOWN - the spool could not be read within 1 second\nlook at "))
    expectPluginForm(result)
  }

  @Test func otherLayoutIsUnknown() async throws {
    try site.folder.write("2\n".utf8, to: "spool/acme/format")
    #expect(try await monitor().exitCode == 3)
  }

  // MARK: On the status page

  /// What it says. On a busy machine, the page may find that its look at the disk had no turn for
  /// half a second: then it is asked again.
  private func settled(_ url: [String]) async throws -> CommandResult {
    var result = try await monitor(url)
    _ = try await eventually {
      let isLate = result.output.contains("disk has not answered")
      if isLate { result = try await monitor(url) }
      return !isLate
    }
    return result
  }

  @Test func statusPageIsReadAndItsFindingsAreSaid() async throws {
    try await withWebServer { server in
      let url = ["--url", "\(server.base)/status"]
      #expect(try await eventually { try await monitor(url).exitCode == 0 })
      let first = try await settled(url)
      #expect(first.output.hasPrefix("OK - 0 waiting, "))
      #expect(first.output.contains(" silence=U;;;0 free="))
      #expect(first.output.contains("B;;67108864:;0") || first.output.contains("B;;1:;0"))
      _ = try await server.curl("export", server.signed() + ["-d", "{}"])
      #expect(try await settled(url).output.contains(", last delivery "))
      // The next one is refused.
      _ = try await server.curl("export", server.signed(by: .otherP521) + ["-d", "{}"])
      let refused = try await settled(url)
      #expect(refused.exitCode == 1)
      #expect(
        refused.output.hasPrefix(
          "WARNING - The last delivery to acme was refused: bad-signature | "))
      #expect(refused.output.split(separator: "\n").count == 2)
      #expect(try await monitor(url + ["--instance", "beta"]).exitCode == 3)
      // Others of its paths are no status page.
      let other = try await monitor("--url", "\(server.base)/health")
      #expect(other.exitCode == 3)
      #expect(other.output.contains("is no status page of delve-webhook"))
      #expect(try await monitor("--url", "\(server.base)/nothing").exitCode == 3)
    }
  }

  /// It may read neither the configuration nor the spool.
  @Test(.enabled(if: getuid() == 0, "needs root, to become another user"))
  func userWithoutRightsSeesTheStatusPage() async throws {
    let page = AnswerText.page()
    let server = try AnsweringServer { _ in .status(200, text: AnswerText.served(page)) }
    defer { server.close() }
    chmod("\(site.path)/spool", 0o700)
    let asNobody = "setpriv --reuid nobody --regid nogroup --clear-groups \(site.program) monitor"
    let result = try await site.shell("cd / && \(asNobody) --url \(server.url)")
    #expect(result.exitCode == 0, "\(result)")
    expectPluginForm(result)
    let refused = try await site.shell("cd / && \(asNobody) --spool \(site.path)/spool")
    #expect(refused.exitCode == 3)
    #expect(refused.output.contains("belongs to another user"), "\(refused)")
    let retried = try await site.shell(
      "cd / && setpriv --reuid nobody --regid nogroup --clear-groups \(site.program) spool retry --all "
        + "--spool \(site.path)/spool")
    #expect(retried.exitCode == 77, "\(retried)")
    #expect(retried.errorOutput.contains("run this as its owner"), "\(retried)")
  }

  @Test
  func pageOverHTTPSNeedsItsAuthority() async throws {
    chmod(site.path, 0o755)
    try await withHTTPSServer(in: site.folder) { port in
      try site.folder.write(AnswerText.served(AnswerText.page()).utf8, to: "www/status")
      let url = ["--url", "https://localhost:\(port)/status"]
      #expect(try await monitor(url + ["--ca-file", "\(site.path)/tls.pem"]).exitCode == 0)
      let unknownAuthority = try await monitor(url)
      #expect(unknownAuthority.exitCode == 2)
      #expect(unknownAuthority.output.contains("curl: (60)"))
      #expect(try await monitor(url + ["--ca-file", "/nonexistent"]).exitCode == 3)
      let moved = try await monitor(
        "--url", "https://localhost:\(port)/moved", "--ca-file", "\(site.path)/tls.pem")
      #expect(moved.exitCode == 3)
      #expect(moved.output.contains("answered 302"))
    }
  }

  @Test(arguments: [
    (200, "<html>", 3, "is no status page"), (200, "{}", 3, "is no status page"),
    (
      200, #"{"verdict":"superb","instances":[],"time":"2026-09-21T14:13:20.000Z"}"#, 3,
      "is no status page"
    ),
    (401, "", 3, "answered 401"), (403, "", 3, "answered 403"), (404, "", 3, "answered 404"),
    (501, "", 3, "answered 501"), (500, "", 2, "answered 500"), (502, "", 2, "answered 502"),
    (503, "", 2, "answered 503"),
    (200, String(repeating: "[", count: 1_000_000), 3, "is no status page"),
    (200, String(repeating: " ", count: 5_000_000), 3, "is longer than 4194304 bytes"),
  ])
  func otherAnswersAreSaid(
    status: Int, body: String, exitCode: Int32, text: String
  ) async throws {
    let server = try AnsweringServer { _ in .status(status, text: body) }
    defer { server.close() }
    let result = try await monitor("--url", server.url)
    #expect(result.exitCode == exitCode)
    #expect(result.output.contains(text), "\(result)")
  }

  @Test func noAnswerIsCritical() async throws {
    let silent = try AnsweringServer { _ in .silence }
    defer { silent.close() }
    let result = try await monitor("--url", silent.url, "--timeout", "1s")
    #expect(result.exitCode == 2)
    #expect(result.output.contains("curl: (28)"))
    let dripping = try AnsweringServer { _ in .dripping }
    defer { dripping.close() }
    #expect(try await monitor("--url", dripping.url, "--timeout", "1s").exitCode == 2)
    let cutOff = try AnsweringServer { _ in .cutOff }
    defer { cutOff.close() }
    #expect(try await monitor("--url", cutOff.url).exitCode == 2)
    #expect(try await monitor("--url", "http://127.0.0.1:\(try freePort())/").exitCode == 2)
    let noURL = try await monitor("--url", "ftp://127.0.0.1/")
    #expect(noURL.exitCode == 3)
  }

  @Test(arguments: [
    (
      AnswerText.page(verdict: "failing"), [], Int32(2),
      "CRITICAL - the status page says failing | "
    ),
    (
      AnswerText.page(findings: AnswerText.finding("attention", instance: "beta")), [], 1,
      "WARNING - a\\nb \\u{7C} c | "
    ),
    (
      AnswerText.page(findings: AnswerText.finding("attention", instance: "beta")),
      ["--instance", "acme"], 0, "OK - 0 waiting"
    ),
    (
      AnswerText.page(findings: AnswerText.finding("failing", instance: nil)),
      ["--instance", "acme"], 2, "CRITICAL - "
    ),
    (AnswerText.page(findings: AnswerText.finding("dreadful", instance: nil)), [], 3, "UNKNOWN - "),
    (
      AnswerText.page(
        findings: AnswerText.finding("attention", instance: "acme", subject: "dead"), dead: 1), [],
      1, "WARNING - acme: 1 event was given up | "
    ),
    (
      AnswerText.page(
        findings: AnswerText.finding("attention", instance: "acme", subject: "dead"), dead: 1),
      ["--warn-dead", "1"], 0, "OK - 0 waiting"
    ),
    (
      AnswerText.page(lookAge: "null"), [], 3,
      "UNKNOWN - acme: the events have not been counted yet | new=U;;;0 "
    ),
    (
      AnswerText.page(), ["--warn-silence", "1h"], 0,
      "OK - 0 waiting, last delivery 60 minutes ago, "
    ),
    (
      AnswerText.page(), ["--critical-silence", "59m"], 2,
      "CRITICAL - acme: the last delivery was 60 minutes ago | "
    ),
    (
      AnswerText.page(historyRead: false, lastStored: false), ["--warn-silence", "1h"], 3,
      "UNKNOWN - acme: the spool's memory of deliveries has not been read yet | "
    ),
    (
      AnswerText.page(lastStored: false), ["--warn-silence", "1h"], 1,
      "WARNING - acme: no delivery in the last 8 days | "
    ),
    (AnswerText.page(free: "99"), [], 2, "CRITICAL - 99 B are free for the spool, less than "),
    (AnswerText.page(free: "null"), [], 0, "OK - 0 waiting, last delivery 60 minutes ago | "),
    (AnswerText.page(free: "1e400"), [], 0, "OK - "),
    (AnswerText.page(free: "9223372036854775807"), [], 0, "OK - "),
  ])
  func pageAndLimitsDecide(
    page: String, arguments: [String], exitCode: Int32, text: String
  ) async throws {
    let server = try AnsweringServer { _ in .status(200, text: AnswerText.served(page)) }
    defer { server.close() }
    let result = try await monitor(["--url", server.url] + arguments)
    #expect(result.exitCode == exitCode)
    #expect(result.output.hasPrefix(text), "\(result)")
  }

  /// A proxy has kept the one, and the location of the other shows nothing.
  @Test(arguments: [
    (AnswerText.page().replacing("NOW", with: "2026-09-21T14:13:20.042Z"), "the status page is of"),
    (
      #"{"verdict":"well","findings":[],"time":"NOW","instances":[]}"#,
      "the status page shows no instance"
    ),
  ])
  func pageThatTellsNothingIsUnknown(page: String, text: String) async throws {
    let server = try AnsweringServer { _ in .status(200, text: AnswerText.served(page)) }
    defer { server.close() }
    let result = try await monitor(["--url", server.url])
    #expect(result.exitCode == 3 && result.output.hasPrefix("UNKNOWN - \(text)"), "\(result)")
  }

  /// The spool's disk is not mounted, or the responder never started.
  @Test func instanceThatIsConfiguredMustBeThere() async throws {
    try site.folder.makeFolder("empty")
    try site.folder.write(
      exampleConfiguration().replacing("spool: spool", with: "spool: empty").utf8, to: "c.yaml")
    let result = try await site.delveWebhook(["monitor", "--config", "\(site.path)/c.yaml"])
    #expect(
      result.exitCode == 2 && result.output.hasPrefix("CRITICAL - nothing of "), "\(result)")
  }

  @Test func outputThatCannotBeWrittenIsUnknown() async throws {
    for arguments in ["--spool '\(site.path)/spool'", "--nonsense"] {
      let result = try await site.shell("'\(site.program)' monitor \(arguments) >/dev/full")
      #expect(result.exitCode == 3, "\(result)")
    }
  }
}

/// Status pages as the responder writes them.
private enum AnswerText {
  static func finding(_ severity: String, instance: String?, subject: String? = nil) -> String {
    func text(_ value: String?) -> String { value.map { "\"\($0)\"" } ?? "null" }
    return #"{"severity":"\#(severity)","finding":"a\nb | c.","remedy":"d","#
      + #""instance":\#(text(instance)),"subject":\#(text(subject))}"#
  }

  // These stand in a page until it is served.
  private static let now = "NOW"
  private static let anHourAgo = "AN HOUR AGO"

  static func served(_ page: String) -> String {
    let time = Timestamp.now()
    let before = Timestamp(seconds: time.seconds - 3_600, milliseconds: time.milliseconds)
    return page.replacing(now, with: time.rfc3339).replacing(anHourAgo, with: before.rfc3339)
  }

  /// An hour after the last delivery.
  static func page(
    verdict: String = "well", findings: String = "", dead: Int = 0, lookAge: String = "1",
    historyRead: Bool = true, lastStored: Bool = true, free: String = "1000"
  ) -> String {
    let states = ["new", "cur", "defer", "dead", "done"].map { state in
      #"{"state":"\#(state)","events":\#(state == "dead" ? dead : 0),"oldestageseconds":null}"#
    }
    let stored =
      lastStored ? #"{"kind":"export-complete","time":"\#(anHourAgo)"}"# : ""
    return #"{"verdict":"\#(findings.isEmpty ? verdict : "attention")","findings":[\#(findings)],"#
      + #""time":"\#(now)","freebytes":\#(free),"minimumfreebytes":100,"#
      + #""historyread":\#(historyRead),"instances":[{"name":"acme","lookageseconds":\#(lookAge),"#
      + #""states":[\#(states.joined(separator: ","))],"laststored":[\#(stored)]}]}"#
  }
}
