internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The page for a person, and the same for a program.
@Suite(.noHang)
struct StatusPageTests {
  private static let markup = #"<script>document.title='x'</script><b>bold</b>"#

  /// A spool with events that were given up, one of them with a record and a name that somebody
  /// wrote who likes markup.
  private func siteWithDeadEvents() throws -> SpoolSite {
    let site = try SpoolSite()
    try site.folder.makeFolder("spool/acme/dead")
    for name in try site.addEvents(2) {
      let path = "\(site.path)/spool/acme"
      #expect(rename("\(path)/new/\(name)", "\(path)/dead/\(name)") == 0)
      let record =
        #"{"attempts":3,"deferrals":0,"exit":7,"stderr":"first\n\#(Self.markup)"}"# + "\n"
      try site.folder.write(record.utf8, to: "spool/acme/dead/\(name).state")
    }
    let hostile =
      "20260921T141320Z-<i>-<u>-\(Self.markup.prefix(8))-\(String(repeating: "<", count: 32)).json"
    try site.folder.write("x".utf8, to: "spool/acme/dead/\(hostile)")
    return site
  }

  // MARK: For a program

  @Test func jsonSaysWhatBecameOfKnownDeliveries() async throws {
    try await withResponder { responder in
      #expect(try await responder.status().findings == [])
      #expect(try await responder.status().verdict == "well")
      let good = try nowAuthorization(id: "7")
      let wrong = try nowAuthorization(id: "secret", by: .otherP521)
      #expect(try responder.deliver(authorization: good, hook: "export-complete").status == 202)
      #expect(try responder.deliver(authorization: good, hook: "export-complete").status == 200)
      #expect(try responder.deliver(authorization: wrong).status == 401)

      let report = try await responder.status()
      #expect(report.verdict == "attention")
      #expect(
        report.findings == ["attention: The last delivery to acme was refused: bad-signature."])
      #expect(
        Dictionary(
          grouping: report.objects("deliveries"), by: { strings($0["code"])[0] }
        ).mapValues { $0.map { $0["count"] } } == [
          "stored": [.number(1)], "duplicate": [.number(1)], "bad-signature": [.number(1)],
        ])
      let recent = report.objects("recent")
      #expect(
        Set(recent.map { strings($0["code"])[0] }) == ["stored", "duplicate", "bad-signature"])
      for entry in recent {
        let isVerified = entry["code"] != .string("bad-signature")
        #expect(entry["subject"] == (isVerified ? .string("export/7") : nil))
        #expect((entry["id"] != nil) == isVerified)
        #expect(entry["remote"] == .string("192.0.2.7"))
        #expect(entry["kept"] == nil)
      }
      let hours = report.objects("hours")
      #expect(hours.count == 48)
      #expect(sum(hours.map { $0["refused"] }) == 1)
      #expect(sum(hours.map { $0["stored"]?.object?["export-complete"] }) == 1)
      let acme = try report.instance("acme")
      #expect(acme["usable"] == .boolean(true))
      #expect(
        acme["laststored"]?.array?.compactMap { strings($0.object?["kind"]).first } == [
          "export-complete"
        ])
      let key = try #require(acme["keys"]?.array?.first?.object)
      #expect(strings(key["thumbprint"]) == [try TestKey.p521.verificationKeys[0].thumbprint.text])
      let text = String(decoding: report.json.line, as: UTF8.self)
      #expect(!text.contains("secret"))
      #expect(!text.contains(String(decoding: wrong.suffix(40), as: UTF8.self)))

      // A good one, and all is well.
      #expect(try responder.deliver(authorization: nowAuthorization(id: "8")).status == 202)
      #expect(try await responder.status().findings == [])
    }
  }

  private func sum(_ numbers: [JSONValue?]) -> Int {
    numbers.reduce(0) { sum, value in
      sum + (value?.number.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0)
    }
  }

  /// Whether the page says so, now or soon, with this verdict; a control says that it did not
  /// before.
  private func finds(
    _ finding: String, _ responder: ResponderUnderTest, verdict: String = "attention"
  ) async throws -> Bool {
    try await eventually {
      let report = try await responder.status()
      return report.verdict == verdict && report.findings.contains { $0.contains(finding) }
    }
  }

  @Test func whatIsNotWellIsFound() async throws {
    let site = try siteWithDeadEvents()
    let folder = site.folder
    try folder.write(fileBytes(TestKey.p521.path), to: "key.pem")
    let configuration = exampleConfiguration().replacing(TestKey.p521.path, with: "key.pem")
    try await withResponder(configuration: configuration, in: folder) { responder in
      #expect(try await finds("attention: 3 events of acme were given up.", responder))
      #expect(try await responder.status().findings.count == 1)
      let dead = try #require(try await responder.status().instance("acme")["dead"]?.array)
      #expect(dead.count == 3)
      #expect(
        dead.compactMap { strings($0.object?["reason"]).first }.sorted() == [
          "exit=7", "exit=7", "unknown",
        ])

      // A location that names no hook.
      #expect(
        try responder.deliver(authorization: try nowAuthorization(), hook: "exprt").status == 500)
      #expect(try await finds("names no instance or hook that is configured", responder))

      try await responder.reload("spool: [", logs: "reload failed")
      #expect(try await finds("The last reload failed: ", responder))
      try await responder.reload(configuration, logs: "reloaded config=")
      #expect(try await responder.status().findings.count == 2)

      try folder.write("rubbish".utf8, to: "key.pem")
      #expect(try await finds("The key files of acme cannot be used: ", responder))
      try folder.write(fileBytes(TestKey.p521.path), to: "key.pem")
      #expect(try await eventually { try await responder.status().findings.count == 2 })

      // The worst comes first.
      #expect(rename("\(folder.path)/spool", "\(folder.path)/aside") == 0)
      let away = "failing: No event of acme can be stored: "
      #expect(try await finds(away, responder, verdict: "failing"))
      let report = try await responder.status()
      #expect(report.findings.first?.hasPrefix(away) == true)
      #expect(try report.instance("acme")["usable"] == .boolean(false))
      #expect(rename("\(folder.path)/aside", "\(folder.path)/spool") == 0)
      #expect(try await eventually { try await responder.status().verdict == "attention" })
    }
  }

  // MARK: A disk that does not answer

  /// strace(1) holds the calls up that look at the spool: for so long that nothing can have waited
  /// for them.
  @Test func diskThatDoesNotAnswerHoldsUpNoPageAndNoRefusal() async throws {
    try await withResponder(configuration: exampleConfiguration(settings: "keep-refused: 5")) {
      responder in
      // The control. Nobody asks for some time after it.
      #expect(try await responder.status().verdict == "well")
      try await Task.sleep(for: .seconds(3))
      let calls = "faccessat,faccessat2,linkat"
      let strace = try SpawnedProcess(
        "strace",
        [
          "-f", "-o", "/dev/null", "-e", "trace=\(calls)", "-e",
          "inject=\(calls):delay_enter=600s", "-p", "\(responder.process.id)",
        ], log: "\(responder.folder.path)/strace.log")
      #expect(
        try await eventually {
          responder.folder.text(of: "strace.log").contains("attached")
        }, "\(responder.folder.text(of: "strace.log"))")
      let began = ContinuousClock.now
      let report = try responder.statusOnce()
      let finding = try #require(report.findings.first)
      #expect(report.findings.count == 1)
      let silence = try #require(
        finding.wholeMatch(
          of: /failing: The spool's disk has not answered for (?:(\d+) min ?)?(?:(\d+) s)?\./))
      let seconds = (Int(silence.1 ?? "0") ?? 0) * 60 + (Int(silence.2 ?? "0") ?? 0)
      #expect(seconds <= (ContinuousClock.now - began).components.seconds)
      #expect(try responder.observe("metrics").text.contains("\ndelve_webhook_spool_usable{"))
      for _ in 0..<3 {
        let answer = try responder.deliver(
          authorization: try nowAuthorization(by: .otherP521))
        #expect(answer.status == 401)
      }
      #expect(try await responder.logs(" kept=acme/refused/"))
      #expect(responder.folder.files(below: "spool/acme/refused") == [])
      strace.send(signal: SIGKILL)
      responder.process.send(signal: SIGKILL)
    }
  }

  // MARK: For a person

  private struct Look {
    let json: JSONObject
    func number(_ name: String) -> Int {
      json[name]?.number.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? -1
    }
    func text(_ name: String) -> String { strings(json[name]).first ?? "" }
    func isEmpty(_ name: String) -> Bool { json[name]?.array?.isEmpty ?? false }
  }

  /// What a real browser shows, in four looks: narrow and wide, light and dark.
  private func looks(at url: String) async throws -> [Look] {
    let result = try await command(
      "/usr/bin/python3", ["\(Repository.root)/Tests/StatusPage/browser.py", url])
    #expect(result.exitCode == 0, "\(result.errorOutput)")
    return try result.output.split(separator: "\n").map {
      Look(json: try #require(try JSONValue(parsing: Array($0.utf8)).object))
    }
  }

  @Test func browserShowsThePageWithoutComplaint() async throws {
    let site = try siteWithDeadEvents()
    let configuration = exampleConfiguration(settings: "keep-refused: 5")
    try await withResponder(configuration: configuration, in: site.folder) { responder in
      let hostile = try nowAuthorization(id: Self.markup)
      #expect(try responder.deliver(authorization: hostile, hook: "export-complete").status == 202)
      let wrong = try nowAuthorization(id: "unverified", by: .otherP521)
      #expect(try responder.deliver(authorization: wrong).status == 401)
      #expect(try await finds("3 events of acme were given up", responder))
      try await withNginx(before: responder) { server in
        let answer = try await server.curl("status", [])
        #expect(answer.head.contains("\r\nContent-Security-Policy: default-src 'none'; "))
        #expect(!answer.body.contains("<script") && !answer.body.contains("<b>"))
        let looks = try await looks(at: "\(server.base)/status")
        #expect(looks.map { $0.number("innerWidth") } == [360, 360, 1_280, 1_280])
        #expect(Set(looks.map { $0.text("background") }).count == 2)
        for look in looks { check(look, unverified: wrong) }
      }
    }
  }

  private func check(_ look: Look, unverified: [UInt8]) {
    let name = "\(look.number("width")) \(look.text("scheme"))"
    #expect(look.number("scrollWidth") <= look.number("innerWidth"), "\(name)")
    for list in ["standingOut", "complaints", "resources"] {
      #expect(look.isEmpty(list), "\(name): \(list): \(look.json[list] ?? .null)")
    }
    #expect(look.number("scripts") == 0)
    #expect(look.json["styled"] == .boolean(true))
    #expect(look.text("title") == "attention · delve-webhook")
    let text = look.text("text")
    for wanted in [
      "attention", "The last delivery to acme was refused: bad-signature.",
      "3 events of acme were given up.", "Deliveries of the last 48 hours", "export-complete 1",
      "refused 1", "export/\(Self.markup)", "exit=7", "kept as acme/refused/", "192.0.2.7",
      "https://acme.delvesecurity.app",
    ] {
      #expect(text.contains(wanted), "\(name): \(wanted): \(text)")
    }
    #expect(text.contains(Self.markup.dropLast(3)), "\(text)")
    #expect(!text.contains("unverified"))
    #expect(!text.contains(String(decoding: unverified.suffix(30), as: UTF8.self)))
  }
}
