internal import Foundation
internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// `delve-webhook-forward --to https://…`, with a real nginx.
@Suite(.timeLimit(.minutes(3)))
struct HTTPForwardingTests {
  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  /// Runs a server with a location for each kind of answer. `/keep` writes the requests into the
  /// folder `kept`; `/silent` never answers.
  private func withTarget(
    _ body: @Sendable (_ url: String) async throws -> Void
  ) async throws {
    let folder = site.folder
    let silence = try HeldSocket(path: "\(site.path)/silent")
    try folder.makeFolder("kept")
    try folder.write([UInt8](repeating: 0x78, count: 4 << 20), to: "www/endless")
    let sink = try freePort()
    let settings = """
      location = /silent { proxy_pass http://unix:\(site.path)/silent:/; }
      location = /keep {
        client_body_in_file_only on; client_body_temp_path \(site.path)/kept;
        if ($content_type != "application/cloudevents+json; charset=UTF-8") { return 415; }
        proxy_pass http://127.0.0.1:\(sink);
      }
      location = /private {
        if ($http_authorization != "Bearer token") { return 401 "no entry"; }
        return 204;
      }
      location = /busy { add_header Retry-After 120 always; return 503 busy; }
      location = /endless { error_page 405 =200 $uri; }
      \([200, 201, 400, 401, 404, 408, 410, 429, 500, 502].map {
        "location = /\($0) { return \($0) \"said \($0)\"; }"
      }.joined(separator: "\n"))
      }
      server { listen 127.0.0.1:\(sink); return 200;
      """
    try await withHTTPSServer(in: folder, settings: settings) { port in
      try await body("https://localhost:\(port)")
    }
    withExtendedLifetime(silence) {}
  }

  private var trusting: [String] { ["--ca-file", "\(site.path)/tls.pem"] }

  private func forward(to url: String, _ options: String...) async throws -> CommandResult {
    try await site.forward(to: url, options: trusting + options)
  }

  // MARK: Requests

  @Test func eventIsPostedAsOneStructuredEvent() async throws {
    let names = try site.addEvents(40, issuedApart: 60)
    let events = names.map { site.text("spool/acme/new/\($0)") }
    try await withTarget { url in
      let result = try await forward(to: "\(url)/keep")
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(site.count("done") == 40)
    let kept = site.files("kept").map { site.text("kept/\($0)") }
    let expected = try events.map { line in
      let object = try #require(try JSONValue(parsing: Array(line.utf8)).object)
      let left = object.removing("jws", "xsignature", "remoteaddr", "requesturi")
      return String(decoding: JSONValue.object(left).compactText, as: UTF8.self)
    }
    #expect(kept.sorted() == expected.sorted())
  }

  @Test func credentialsComeFromAFileThatMayChange() async throws {
    try site.addEvents(1)
    let file = try site.folder.write("X-Other: 1\nAuthorization: Bearer token\n".utf8, to: "header")
    try await withTarget { url in
      let without = try await forward(to: "\(url)/private", "--once")
      #expect(without.exitCode == 69 && site.count("defer") == 1, "\(without)")
      #expect(without.errorOutput.contains("credentials"), "\(without)")
      try site.addEvents(1, from: 1)
      let result = try await forward(to: "\(url)/private", "--header-file", file)
      #expect(result.exitCode == 0, "\(result)")
      #expect(!result.errorOutput.contains("token"))
    }
  }

  @Test(arguments: ["", "no colon", "Name:", "Bad name: x", "Name: \u{7F}", ": x"])
  func headerFileThatHoldsAnythingElseIsRefused(line: String) async throws {
    try site.addEvents(1)
    let file = try site.folder.write("A: b\n\(line)\n\n".utf8, to: "header")
    let result = try await forward(to: "https://localhost:1/", "--header-file", file)
    // Empty lines are ignored, and then no server listens. A file of only empty lines is waited for,
    // too.
    #expect(result.exitCode == (line.isEmpty ? 69 : 78), "\(result)")
    if !line.isEmpty { #expect(result.errorOutput.contains("line 2"), "\(result)") }
  }

  /// Unencrypted requests stay on the machine, even if the environment names a proxy.
  @Test func localTargetIsAskedOfNoProxy() async throws {
    try site.addEvents(1)
    let port = try freePort()
    let result = try await command(
      "env",
      ["http_proxy=http://127.0.0.1:\(port)", Repository.executable("delve-webhook-forward")]
        + ["--spool", "\(site.path)/spool", "--to", "http://localhost:1/"])
    #expect(result.exitCode == 69 && result.errorOutput.contains("port 1 "), "\(result)")
  }

  // MARK: The meaning of answers

  @Test(arguments: [
    ("200", "done", Int32(0), ""), ("201", "done", 0, ""),
    ("400", "dead", 1, #""answer":"400""#), ("401", "defer", 69, #""answer":"401""#),
    ("404", "dead", 1, #""answer":"404""#), ("410", "dead", 1, #""answer":"410""#),
    ("408", "defer", 1, #""answer":"408""#), ("500", "defer", 1, #""answer":"500""#),
    ("429", "defer", 69, #""answer":"429""#), ("502", "defer", 69, #""answer":"502""#),
    ("moved", "defer", 69, #""answer":"302""#), ("silent", "defer", 69, #""noanswer":true"#),
    ("endless", "done", 0, ""),
  ])
  func answerDecides(path: String, folder: String, exitCode: Int32, record: String) async throws {
    let name = try site.addEvents(1)[0]
    try await withTarget { url in
      let timeout = path == "silent" ? "1" : "20"
      let result = try await forward(to: "\(url)/\(path)", "--timeout", timeout)
      #expect(result.exitCode == exitCode, "\(result)")
    }
    let place = folder == "done" ? "done/\(site.today)" : folder
    #expect(site.events == ["acme/\(place)/\(name)"])
    guard folder != "done" else { return }
    let state = site.text("spool/acme/\(folder)/\(name).state")
    #expect(state.contains(record), "\(state)")
    if Int(path) != nil { #expect(state.contains(#""text":"said \#(path)""#), "\(state)") }
    #expect(state.contains(folder == "dead" ? #""attempts":1"# : #""deferrals":1"#), "\(state)")
  }

  @Test func retryAfterIsHonoured() async throws {
    let name = try site.addEvents(1)[0]
    try await withTarget { url in
      let forwarder = try site.startForwarder(to: "\(url)/busy", options: trusting)
      #expect(try await eventually { site.text("forward.log").contains("pause=120s") })
      forwarder.send(signal: SIGTERM)
      #expect(try await forwarder.exitCode() == 0)
    }
    let times = site.text("spool/acme/defer/\(name).state")
      .matches(of: /attempt":"(\d{4}[^".]+)\.\d+Z"/).compactMap {
        ISO8601DateFormatter().date(from: "\($0.1)Z")
      }
    try #require(times.count == 2)
    #expect((119...121).contains(times[1].timeIntervalSince(times[0])))
  }

  @Test func certificateThatNobodyVouchesForIsRefused() async throws {
    let name = try site.addEvents(1)[0]
    try await withTarget { url in
      let result = try await site.forward(to: "\(url)/200")
      #expect(result.exitCode == 69, "\(result)")
      #expect(result.errorOutput.contains("certificate"), "\(result)")
      try site.makeDue(name)
      let wrongName = try await forward(to: url.replacing("localhost", with: "127.0.0.1") + "/200")
      #expect(wrongName.exitCode == 69 && wrongName.errorOutput.contains("name"), "\(wrongName)")
    }
    #expect(site.events == ["acme/defer/\(name)"])
    #expect(site.text("spool/acme/defer/\(name).state").contains(#""deferrals":2"#))
  }

  @Test(arguments: ["http://example.com/", "ftp://localhost/", "https://u:secret@localhost/", "x"])
  func addressThatIsNotSafeIsRefused(url: String) async throws {
    let result = try await site.forward(to: url)
    #expect(result.exitCode == 64 && !result.errorOutput.contains("secret"), "\(result)")
  }

  // MARK: A target that is away

  @Test func targetThatIsAwayIsWaitedFor() async throws {
    try site.addEvents(500)
    let port = try freePort()
    let forwarder = try site.startForwarder(to: "http://localhost:\(port)/", "--jobs", "4")
    #expect(try await eventually { site.text("forward.log").contains("result=unavailable") })
    // Only the events that were tried are in defer/.
    #expect(site.count("new") >= 480)
    #expect(site.count("defer") >= 1)
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
    #expect(site.count("new") + site.count("defer") == 500)
  }

  @Test func firstSignalLetsRequestsFinish() async throws {
    try site.addEvents(20)
    try await withTarget { url in
      let forwarder = try site.startForwarder(
        to: "\(url)/silent", options: trusting + ["--jobs", "2", "--timeout", "6"])
      #expect(try await eventually { site.count("cur") == 20 })
      forwarder.send(signal: SIGTERM)
      #expect(try await forwarder.exitCode() == 0)
    }
    // Two requests reached their time limit. The others were not begun.
    #expect(site.count("defer") == 2 && site.count("new") == 18)
  }
}
