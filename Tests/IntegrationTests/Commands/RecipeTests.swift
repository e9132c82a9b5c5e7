internal import Foundation
internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The recipes that are handlers, and the documentation's loop, which needs none of our programs.
@Suite(.noHang)
struct RecipeTests {
  private static let names = ["append", "mail", "mail-dead", "export"]
  /// Those that need an engine: Tests/Engines runs them against it.
  private static let engines = ["rabbitmq", "nats", "redis", "kafka", "s3"]

  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  private func path(of recipe: String) -> String {
    "\(Repository.root)/Sources/delve-webhook/recipes/\(recipe)"
  }

  /// Handles one event with a recipe, without a runner.
  private func handle(
    with recipe: String, subject: String = "export/0", _ more: [String: String] = [:]
  ) async throws -> CommandResult {
    let event = [
      "DELVE_INSTANCE": "acme", "DELVE_TYPE": "com.delvesecurity.export.done",
      "DELVE_SUBJECT": subject, "DELVE_EVENT_ID": site.id(0), "LOGS_DIRECTORY": site.path,
      "STATE_DIRECTORY": site.path,
    ]
    return try await command(
      path(of: recipe), environment: event.merging(more) { $1 },
      input: #"{"id":"1","time":"t","type":"y","subject":"s","data":{"id":"é"},"jws":"a.b.c"}"#)
  }

  @Test func plainLoopHandlesWhatIsNew() async throws {
    try site.addEvents(2)
    let result = try await site.shell(
      try await Repository.block("loop").replacing(
        "/var/spool/delve-webhook", with: "\(site.path)/spool"))
    #expect(result.exitCode == 0, "\(result)")
    #expect(
      result.output == """
        com.delvesecurity.export.done export/0
        com.delvesecurity.export.done export/1

        """)
    #expect(site.events.count == 2)
    #expect(site.events.allSatisfy { $0.hasPrefix("acme/done/\(site.today)/") })
  }

  /// No program is on the `PATH`.
  @Test(arguments: names)
  func missingProgramIsNamed(recipe: String) async throws {
    let result = try await site.shell("PATH=\(site.path) exec \(path(of: recipe))")
    #expect(result.exitCode == 69)
    #expect(result.errorOutput.contains("jq is missing; install it"))
  }

  /// Without the folders that packages are in.
  @Test(arguments: engines)
  func missingClientIsNamed(recipe: String) async throws {
    let result = try await command("/usr/bin/python3", ["-S", path(of: recipe)])
    #expect(result.exitCode == 69)
    #expect(result.errorOutput.contains("is missing; install it"), "\(result)")
  }

  @Test(arguments: engines)
  func whatTheForwarderKeepsBackStaysHere(recipe: String) throws {
    let text = String(decoding: try fileBytes(path(of: recipe)), as: UTF8.self)
    let names = try #require(text.firstMatch(of: /\nproof = \(([^)]+)\)\n/)?.1)
    let kept = names.matches(of: /"([a-z]+)"/).map { String($0.1) }
    #expect(kept.sorted() == EventAttribute.all(.leavesWithProof).map(\.rawValue).sorted())
  }

  @Test(arguments: [("append", "LOGS_DIRECTORY"), ("export", "STATE_DIRECTORY")])
  func missingFolderIsNamed(recipe: String, variable: String) async throws {
    let result = try await site.shell(
      "unset \(variable); exec \(path(of: recipe)) </dev/null",
      environment: [
        "DELVE_TYPE": "com.delvesecurity.export.done", "DELVE_SUBJECT": "export/0",
        "DELVE_EVENT_ID": site.id(0), "API_HEADER": "/dev/null",
      ])
    #expect(![0, 65, 75].contains(result.exitCode))
    #expect(result.errorOutput.contains("\(variable): is not set"), "\(result)")
  }

  // MARK: append

  @Test func manyAtOnceAppendALineEach() async throws {
    let names = try site.addEvents(40)
    // Longer than what a pipe or a buffer of the C library holds.
    let long = String(repeating: "long ", count: 30_000)
    for name in names {
      let text = site.text("spool/acme/new/\(name)")
      try site.folder.write(
        text.replacing(#""kind":"export""#, with: #""kind":"\#(long)""#).utf8,
        to: "spool/acme/new/\(name)")
    }
    let result = try await site.shell(
      "\(site.program) spool run --jobs 8 -- \(path(of: "append"))",
      environment: ["LOGS_DIRECTORY": site.path])
    #expect(result.exitCode == 0, "\(result.errorOutput)")
    let lines = site.text("events.ndjson").split(separator: "\n")
    let ids = lines.compactMap { (try? JSONValue(parsing: Array($0.utf8)))?.object?["id"]?.string }
    #expect(lines.count == 40)
    #expect(Set(ids).count == 40)
    #expect(site.events.allSatisfy { $0.hasPrefix("acme/done/") })
  }

  @Test func lineHasWhatWasSignedAndNotTheToken() async throws {
    #expect(try await handle(with: "append").exitCode == 0)
    #expect(
      site.text("events.ndjson")
        == #"{"id":"1","time":"t","type":"y","subject":"s","data":{"id":"é"}}"# + "\n")
  }

  @Test func lineThatAFullDiskHasCutStaysByItself() async throws {
    try site.folder.write(#"{"id":"0","#.utf8, to: "events.ndjson")
    #expect(try await handle(with: "append").exitCode == 0)
    #expect(site.text("events.ndjson").hasPrefix(#"{"id":"0","# + "\n" + #"{"id":"1","#))
  }

  @Test func fullDiskIsWaitedForAndAnyOtherFaultIsCounted() async throws {
    symlink("/dev/full", "\(site.path)/events.ndjson")
    let full = try await handle(with: "append")
    #expect(full.exitCode == 75)
    #expect(full.errorOutput.contains("No space left on device"), "\(full)")
    unlink("\(site.path)/events.ndjson")
    try site.folder.makeFolder("events.ndjson")
    let folder = try await handle(with: "append")
    #expect(folder.exitCode == 73)
    #expect(folder.errorOutput.contains("Is a directory"), "\(folder)")
  }

  // MARK: mail

  /// Runs a mail server that takes mail for anybody but `nobody`, and writes what it is told to the
  /// file `smtp`.
  private func withMailServer(_ body: @Sendable (_ url: String) async throws -> Void) async throws {
    let server = try site.folder.write(
      #"""
      carriage_return=$(printf '\r')
      hear() { IFS= read -r line && line=${line%"$carriage_return"} && printf '%s\n' "$line" >>"$1"; }
      say() { printf '%s\r\n' "$1"; }
      say '220 mail'
      while hear "$1"; do
        case $line in
          RCPT*nobody*) say '550 no such user' ;;
          DATA) say '354 go on'; until [ "$line" = . ]; do hear "$1"; done; say '250 taken' ;;
          QUIT) say '221 until then'; exit ;;
          *) say '250 yes' ;;
        esac
      done
      """#.utf8, to: "server")
    let port = try freePort()
    let log = "\(site.path)/server.log"
    _ = try await withProcess(
      "systemd-socket-activate",
      [
        "--accept", "--inetd", "--listen", "127.0.0.1:\(port)", "/bin/sh", server,
        "\(site.path)/smtp",
      ],
      log: log
    ) { _ in
      let isUp = try await eventually {
        try await command("bash", ["-c", "</dev/tcp/127.0.0.1/\(port)"]).exitCode == 0
      }
      #expect(isUp, "the mail server does not listen: \(site.text("server.log"))")
      try await body("smtp://127.0.0.1:\(port)")
    }
  }

  @Test func mailHasTheEventsData() async throws {
    try site.addEvents(1)
    try await withMailServer { url in
      let result = try await site.shell(
        "\(site.program) spool run -- \(path(of: "mail"))",
        environment: ["SMTP_URL": url, "MAIL_TO": "ops@example.com"])
      #expect(result.exitCode == 0, "\(result)")
    }
    let said = site.text("smtp")
    #expect(said.contains("\nMAIL FROM:<delve-webhook@localhost>\nRCPT TO:<ops@example.com>\n"))
    #expect(
      said.contains(
        """
        From: delve-webhook@localhost
        To: ops@example.com
        Subject: acme: com.delvesecurity.export.done export/0
        """), "\(said)")
    #expect(said.contains("\nMessage-ID: <\(site.id(0))@delve-webhook>\n"))
    let body = try #require(said.components(separatedBy: "\n\n").last)
    let text = Data(
      base64Encoded: String(body.prefix { $0 != "." }), options: .ignoreUnknownCharacters)
    #expect(
      String(decoding: text ?? Data(), as: UTF8.self).hasPrefix("{\n  \"id\": \"0\","), "\(body)")
  }

  @Test func payloadCannotAddAHeaderField() async throws {
    try await withMailServer { url in
      let result = try await handle(
        with: "mail", subject: "export/\r\nBcc: x@example.com\r\n\r\n\u{1B}é",
        ["SMTP_URL": url, "DELVE_EVENT_ID": "1>\nBcc: x@example.com"])
      #expect(result.exitCode == 0, "\(result)")
    }
    let said = site.text("smtp")
    #expect(
      said.contains("\nSubject: acme: com.delvesecurity.export.done export/??Bcc: x@example.com?"))
    #expect(!said.contains("\nBcc"))
    #expect(said.utf8.allSatisfy { $0 == UInt8(ascii: "\n") || (0x20...0x7E).contains($0) })
  }

  @Test func mailServerThatCannotBeReachedIsWaitedForAndARefusalIsCounted() async throws {
    let away = try await handle(with: "mail", ["SMTP_URL": "smtp://127.0.0.1:\(try freePort())"])
    #expect(away.exitCode == 75)
    #expect(away.errorOutput.contains("curl: (7)"), "\(away)")
    try await withMailServer { url in
      let refused = try await handle(
        with: "mail", ["SMTP_URL": url, "MAIL_TO": "nobody@example.com"])
      #expect(refused.exitCode == 69)
      #expect(refused.errorOutput.contains("550"), "\(refused)")
    }
  }

  // MARK: mail-dead

  /// The text of the only mail that was sent.
  private func mailedText() throws -> String {
    let body = try #require(site.text("smtp").components(separatedBy: "\n\n").last)
    let text = Data(
      base64Encoded: String(body.prefix { $0 != "." }), options: .ignoreUnknownCharacters)
    return String(decoding: try #require(text), as: UTF8.self)
  }

  private func mailOfTheDead(_ url: String) async throws -> CommandResult {
    try await site.shell(
      "\(site.program) spool run --state dead -- \(path(of: "mail-dead"))",
      environment: ["SMTP_URL": url, "MAIL_TO": "ops@example.com"])
  }

  @Test func mailSaysWhyAnEventWasGivenUp() async throws {
    let name = try site.addEvents(1)[0]
    #expect(try await site.run("echo no such table >&2; exit 65").exitCode == 1)
    let away = try await mailOfTheDead("smtp://127.0.0.1:\(try freePort())")
    #expect(away.exitCode == 1 && away.errorOutput.contains("result=put-off"), "\(away)")
    let state = "spool/acme/dead/\(name).state"
    try site.folder.write(
      site.text(state).replacing(/"nextattempt":"[^"]*"/, with: #""nextattempt":"1""#).utf8,
      to: state)
    try await withMailServer { url in
      for _ in 0..<2 {
        let result = try await mailOfTheDead(url)
        #expect(result.exitCode == 0, "\(result)")
      }
    }
    let said = site.text("smtp")
    #expect(said.matches(of: /MAIL FROM/).count == 1)
    #expect(said.contains("\nSubject: acme: given up: export/0\n"), "\(said)")
    #expect(said.contains(/\nMessage-ID: <0+a+\.[0-9]+@delve-webhook>\n/), "\(said)")
    let text = try mailedText()
    #expect(text.contains(#""exit": 65"#) && text.contains("no such table"), "\(text)")
    #expect(text.contains(#""subject": "export/0""#) && !text.contains("a.b.c"), "\(text)")
    let id = name.dropLast(".json".count).suffix(32)
    #expect(text.hasSuffix("  delve-webhook spool retry \(id)\n"), "\(text)")
  }

  @Test func mailOfWhatIsNoEventSaysSo() async throws {
    try site.folder.write("half".utf8, to: "spool/acme/dead/x\r\nBcc: y.json")
    try await withMailServer { url in
      let result = try await mailOfTheDead(url)
      #expect(result.exitCode == 0, "\(result)")
    }
    let said = site.text("smtp")
    #expect(said.contains("\nSubject: acme: given up: x??Bcc: y.json\n"), "\(said)")
    #expect(!said.contains("\nBcc"))
    let text = try mailedText()
    #expect(text.contains("No record says why.") && text.contains("The file holds no event."))
  }

  /// What the recipe's comment says to do.
  @Test func unitForTheDeadIsACopyOfTheHandlers() async throws {
    let recipe = String(decoding: try fileBytes(path(of: "mail-dead")), as: UTF8.self)
    let expression = try #require(recipe.firstMatch(of: /sed '(s[^']+)'/)?.1)
    let unit = "\(Repository.root)/Sources/delve-webhook/delve-webhook-run.service"
    let result = try await command("sed", [String(expression), unit])
    #expect(
      result.output.contains(
        "spool run --state dead --follow -- /etc/delve-webhook/mail-dead\n"), "\(result)")
    #expect(result.output.contains("\nConditionPathExists=/etc/delve-webhook/mail-dead\n"))
    #expect(!result.output.contains("/handler"))
  }

  // MARK: export

  /// A stand-in for the API checks the token. Files below the folder's `www` are its answers.
  private func withAPI(
    _ body: @Sendable (_ environment: [String: String]) async throws -> Void
  ) async throws {
    try site.folder.write("Authorization: Bearer secret\n".utf8, to: "header")
    try site.folder.write(
      #"{"status":"done","fileLocation":"/files/export.csv"}"#.utf8, to: "www/api/v2/exports/0")
    try site.folder.write("a,b\n1,2\n".utf8, to: "www/files/export.csv")
    let settings = #"""
      if ($http_authorization != "Bearer secret") { return 401; }
      location = /api/v2/exports/busy { return 503; }
      location = /api/v2/exports/gone { return 410; }
      location = /api/v2/exports/moved { return 302 /files/export.csv; }
      """#
    try await withHTTPSServer(in: site.folder, settings: settings) { port in
      try await body([
        "DELVE_URL": "https://localhost:\(port)", "API_HEADER": "\(site.path)/header",
        "CURL_CA_BUNDLE": "\(site.path)/tls.pem",
      ])
    }
  }

  @Test func exportIsDownloadedOnceItIsDone() async throws {
    let name = try site.addEvents(1)[0]
    try await withAPI { api in
      let configuration = exampleConfiguration().replacing(
        "https://acme.delvesecurity.app", with: try #require(api["DELVE_URL"]))
      try site.folder.write(configuration.utf8, to: "config.yaml")
      let done = site.text("www/api/v2/exports/0")
      try site.folder.write(#"{"status":"running"}"#.utf8, to: "www/api/v2/exports/0")
      let run = "\(site.program) spool run -- \(path(of: "export"))"
      let environment = api.merging(["STATE_DIRECTORY": site.path]) { $1 }
      let early = try await site.shell(run, environment: environment)
      #expect(early.exitCode == 1, "\(early)")
      let record = site.text("spool/acme/defer/\(name).state")
      #expect(record.contains(#""attempts":1,"#), "\(record)")
      #expect(record.contains("the export is not done: running"))
      #expect(site.files("exports") == [])
      try site.folder.write(done.utf8, to: "www/api/v2/exports/0")
      try site.makeDue(name)
      let late = try await site.shell(run, environment: environment)
      #expect(late.exitCode == 0, "\(late)")
      #expect(site.files("exports") == [site.id(0)])
      #expect(site.text("exports/\(site.id(0))") == "a,b\n1,2\n")
    }
  }

  @Test func failureOfAnExportHasTheExitCodeOfItsKind() async throws {
    try await withAPI { api in
      for (subject, code) in [
        ("export/busy", Int32(75)), ("export/gone", 66), ("export/9", 66), ("export/moved", 69),
        ("export/../0", 65), ("export/", 65),
      ] {
        let result = try await handle(with: "export", subject: subject, api)
        #expect(result.exitCode == code, "\(subject): \(result)")
        #expect(!result.errorOutput.isEmpty)
      }
      let answers = [
        (#"{"status":"done","fileLocation":"https://x.example/"}"#, Int32(65)),
        (#"{"status":"done","fileLocation":"/a b"}"#, 65), (#"{"status":"done"}"#, 65),
        (#"{"status":"done","fileLocation":"/none"}"#, 66),
      ]
      let done = site.text("www/api/v2/exports/0")
      for (answer, code) in answers {
        try site.folder.write(answer.utf8, to: "www/api/v2/exports/0")
        let result = try await handle(with: "export", api)
        #expect(result.exitCode == code, "\(answer): \(result)")
      }
      try site.folder.write(done.utf8, to: "www/api/v2/exports/0")
      for (settings, code) in [
        (["DELVE_URL": "https://localhost:\(try freePort())"], Int32(75)),
        (["CURL_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt"], 69),
        (["API_HEADER": "/dev/null"], 69), (["API_HEADER": "/nonexistent"], 78),
        (["DELVE_EVENT_ID": "../../x"], 65),
      ] {
        let result = try await handle(with: "export", api.merging(settings) { $1 })
        #expect(result.exitCode == code, "\(settings): \(result)")
      }
      #expect(site.files("exports") == [])
      // The disk is full.
      symlink("/dev/full", "\(site.path)/exports/\(site.id(0)).part")
      let full = try await handle(with: "export", api)
      #expect(full.exitCode == 75)
      #expect(full.errorOutput.contains("is the disk full?"), "\(full)")
    }
  }

  @Test func exportThatIsThereIsNotDownloadedAgain() async throws {
    try site.folder.write("x".utf8, to: "exports/\(site.id(0))")
    let result = try await handle(
      with: "export", ["API_HEADER": "/dev/null", "DELVE_URL": "https://localhost:1"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(site.text("exports/\(site.id(0))") == "x")
  }

  @Test func otherEventsAreNoExports() async throws {
    let result = try await handle(with: "export", ["DELVE_TYPE": "com.delvesecurity.scan.done"])
    #expect(result.exitCode == 0)
    #expect(site.files("exports") == [])
  }
}
