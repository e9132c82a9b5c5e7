internal import EventSpool
internal import Foundation
internal import Glibc
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import Testing

/// `delve-webhook-forward --to https://…`, with a real nginx.
@Suite(.noHang)
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
      location = /busy { add_header Retry-After 99999999999 always; return 503 busy; }
      location = /endless { error_page 405 =200 $uri; }
      \([200, 201, 400, 401, 404, 405, 408, 410, 415, 421, 426, 429, 500, 502].map {
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

  /// Programs that were killed, and no target, have left it behind.
  @Test func eventThatWasLeftBehindManyTimesIsNotGivenUp() async throws {
    let name = try site.addEvents(1)[0]
    for state in ["cur", "defer"] { try site.folder.makeFolder("spool/acme/\(state)") }
    let acme = "\(site.path)/spool/acme"
    rename("\(acme)/new/\(name)", "\(acme)/cur/\(name)")
    var record = AttemptRecord()
    record.attempts = 500
    record.ending = .lost
    try site.folder.write(record.line, to: "spool/acme/defer/\(name).state")
    try await withTarget { url in
      let result = try await forward(to: "\(url)/200")
      #expect(result.exitCode == 1, "\(result)")
      #expect(site.events == ["acme/defer/\(name)"])
      try site.makeDue(name)
      #expect(try await forward(to: "\(url)/200").exitCode == 0)
      #expect(site.count("done") == 1)
    }
  }

  /// It is tried alone; behind others it might wait for as long as they keep coming.
  @Test func eventThatWasLeftBehindWaitsForNoOthers() async throws {
    let names = try site.addEvents(10, issuedApart: 60)
    let (name, id) = (names[5], site.id(5))
    try site.folder.makeFolder("spool/acme/defer")
    rename("\(site.path)/spool/acme/new/\(name)", "\(site.path)/spool/acme/defer/\(name)")
    var record = AttemptRecord()
    record.attempts = 1
    record.ending = .lost
    try site.folder.write(record.line, to: "spool/acme/defer/\(name).state")
    let bodies = Mutex<[String]>([])
    let server = try AnsweringServer { body in
      bodies.withLock { $0.append(body) }
      return .status(200)
    }
    let result = try await site.forward(to: server.url)
    #expect(result.exitCode == 0, "\(result)")
    let asked = bodies.withLock { $0 }
    #expect(asked.count == 10 && asked.first?.contains(id) == true)
    #expect(site.count("done") == 10)
  }

  /// It is left out, once, and the program comes to its end.
  @Test func fileWithoutAnEventThatCannotBeGivenUpIsLeftOut() async throws {
    let name = try site.addEvents(2, issuedApart: 60)[0]
    try site.folder.write("{".utf8, to: "spool/acme/new/\(name)")
    try site.folder.makeFolder("spool/acme/dead/\(name)")
    let server = try AnsweringServer { _ in .status(200) }
    let result = try await site.forward(to: server.url)
    #expect(result.exitCode == 1 && server.requests == 1, "\(result)")
    #expect(result.errorOutput.matches(of: /left out:/).count == 1, "\(result)")
    #expect(site.count("new") == 1 && site.count("cur") == 0)
  }

  /// While nothing can be recorded, nobody reads what the other requests are answered: that is the
  /// disk's fault, and no event's.
  @Test func eventsPayForNoOutcomeThatCannotBeRecorded() async throws {
    try site.addEvents(8, issuedApart: 60)
    let acme = "\(site.path)/spool/acme"
    let asked = Atomic(0)
    let server = try AnsweringServer { [site] _ in
      // The first answer comes when all have been asked, and the others some time later.
      let number = asked.add(1, ordering: .relaxed).newValue
      while asked.load(ordering: .relaxed) < 8 { usleep(10_000) }
      if number == 1 {
        try? FileManager.default.removeItem(atPath: "\(acme)/done")
        _ = try? site.folder.write("x".utf8, to: "spool/acme/done")
      } else if number <= 8 {
        while !site.text("forward.log").contains("cannot be recorded") { usleep(10_000) }
      }
      return .status(200)
    }
    let forwarder = try site.startForwarder(to: server.url, "--jobs", "8", "--timeout", "20")
    #expect(
      try await eventually { site.text("forward.log").contains("cannot be recorded") },
      "\(site.text("forward.log"))")
    try await Task.sleep(for: .seconds(25))
    unlink("\(acme)/done")
    try site.folder.makeFolder("spool/acme/done")
    #expect(
      try await eventually { site.count("done") == 8 }, "\(site.events) \(site.text("forward.log"))"
    )
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
    #expect(!site.text("forward.log").contains("result=put-off"), "\(site.text("forward.log"))")
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
      #expect(without.exitCode == 69 && site.count("new") == 1, "\(without)")
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
    let result = try await site.forward(
      to: "https://localhost:1/", options: ["--header-file", file])
    // Empty lines are ignored, and then no server listens. A file of only empty lines is waited for,
    // too.
    #expect(result.exitCode == (line.isEmpty ? 69 : 78), "\(result)")
    if !line.isEmpty { #expect(result.errorOutput.contains("line 2"), "\(result)") }
  }

  /// What nobody can connect with is said at once, and not when the first event is handed on.
  @Test func fileWithoutACertificateIsRefusedAtTheStart() async throws {
    try site.folder.write("-----BEGIN CERTIFICATE-----\nAAAA\n".utf8, to: "cut.pem")
    for (file, text) in [
      ("\(site.path)/nowhere.pem", "No such file or directory"),
      ("\(site.path)/config.yaml", "holds no certificate in PEM form"),
      ("\(site.path)/cut.pem", "holds a damaged certificate"),
      ("/dev/zero", "is no plain file"),
      (site.path, "is no plain file"),
    ] {
      let result = try await site.forward(to: "https://localhost:1/", options: ["--ca-file", file])
      #expect(result.exitCode == 78, "\(result)")
      #expect(result.errorOutput.contains("--ca-file: \(file)"), "\(result)")
      #expect(result.errorOutput.contains(text), "\(result)")
    }
  }

  /// The last line names target, cause, what waits, and what would wait for it: nothing secret.
  @Test func targetThatTakesNoneIsNamedWithWhatWaits() async throws {
    try site.addEvents(3)
    let server = try AnsweringServer { _ in .status(429) }
    let result = try await site.forward(to: "\(server.url)?token=secret")
    #expect(result.exitCode == 69, "\(result)")
    let origin = server.url.split(separator: "/").prefix(2).joined(separator: "//")
    #expect(
      result.errorOutput.hasSuffix(
        "delve-webhook-forward: \(origin) takes no events: answer 429: it wants fewer requests, raise "
          + "its limit or lower --jobs; 3 events wait in new/; with --follow it is tried until it "
          + "does\n"), "\(result)")
    #expect(!result.errorOutput.contains("secret"), "\(result)")
  }

  /// Unencrypted requests stay on the machine, even if the environment names a proxy.
  @Test func localTargetIsAskedOfNoProxy() async throws {
    try site.addEvents(1)
    let port = try freePort()
    let result = try await command(
      "env",
      [
        "-u", "no_proxy", "http_proxy=http://127.0.0.1:\(port)",
        Repository.executable("delve-webhook-forward"),
      ]
        + ["--spool", "\(site.path)/spool", "--to", "http://localhost:1/"])
    #expect(result.exitCode == 69 && result.errorOutput.contains("port 1 "), "\(result)")
  }

  /// It may hold a password. With an exception in no_proxy, only libcurl knows whether it is used.
  @Test(
    arguments: [
      "http://user:secret#x@127.0.0.1:1", "http://user:secret/x@127.0.0.1:1",
      "http://user:secret x@127.0.0.1:1", "http://user:secret@127.0.0.1:99999",
      "gopher://user:secret@127.0.0.1:1",
    ], ["", "example.com"])
  func addressOfAProxyIsNotShown(address: String, exceptions: String) async throws {
    try site.addEvents(1)
    let result = try await command(
      "env",
      [
        "no_proxy=\(exceptions)", "https_proxy=\(address)",
        Repository.executable("delve-webhook-forward"), "--spool", "\(site.path)/spool", "--to",
        "https://events.example.net/",
      ])
    #expect(result.exitCode == (exceptions.isEmpty ? 78 : 69), "\(result)")
    #expect(!(result.errorOutput + result.output).contains("secret"), "\(result)")
    #expect(result.errorOutput.contains("proxy"), "\(result)")
  }

  // MARK: The meaning of answers

  @Test(arguments: ["200", "201", "endless"])
  func successIsAPromise(path: String) async throws {
    let name = try site.addEvents(1)[0]
    try await withTarget { url in
      let result = try await forward(to: "\(url)/\(path)")
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(site.events == ["acme/done/\(site.today)/\(name)"])
  }

  @Test(arguments: [AnsweringServer.Answer.cutOff, .dripping])
  func successIsAPromiseWhateverBecomesOfItsContent(answer: AnsweringServer.Answer) async throws {
    let name = try site.addEvents(1)[0]
    let server = try AnsweringServer { _ in answer }
    let result = try await site.forward(to: server.url, "--timeout", "20")
    #expect(result.exitCode == 0, "\(result)")
    #expect(site.events == ["acme/done/\(site.today)/\(name)"])
    #expect(server.requests == 1)
  }

  /// As long as the target takes no event, none pays for it, whatever it answers.
  @Test(arguments: [
    ("400", "answer 400: said 400"), ("401", "credentials"), ("404", "look at the URL"),
    ("405", "look at the URL"), ("408", "answer 408"), ("410", "look at the URL"),
    ("415", "look at the URL"), ("421", "look at the URL"), ("426", "look at the URL"),
    ("429", "answer 429"), ("500", "answer 500"), ("502", "answer 502"), ("moved", "redirects"),
    ("silent", "timed out"),
  ])
  func targetThatTakesNoneIsToBlameItself(path: String, problem: String) async throws {
    let names = try site.addEvents(30, issuedApart: 60)
    try await withTarget { url in
      let timeout = path == "silent" ? "1" : "600"
      let result = try await forward(to: "\(url)/\(path)", "--timeout", timeout)
      #expect(result.exitCode == 69 && result.errorOutput.contains(problem), "\(result)")
    }
    #expect(site.events == names.map { "acme/new/\($0)" })
  }

  /// As soon as it takes others, an event that it does not take pays.
  @Test(
    arguments: [
      (.status(400), "dead", #""answer":"400""#), (.status(422), "dead", #""answer":"422""#),
      (.status(404), "defer", #""answer":"404""#), (.status(401), "defer", #""answer":"401""#),
      (.status(429), "defer", #""answer":"429""#), (.status(500), "defer", #""answer":"500""#),
      (.status(503), "defer", #""answer":"503""#), (.silence, "defer", #""noanswer":true"#),
    ] as [(AnsweringServer.Answer, String, String)], ["1", "8"])
  func eventThatIsNotTakenWhileOthersArePays(
    bad: (answer: AnsweringServer.Answer, folder: String, record: String), jobs: String
  ) async throws {
    let names = try site.addEvents(21, issuedApart: 60)
    let places = [0, 5, 10]
    let ids = places.map(site.id)
    let server = try AnsweringServer { body in
      ids.contains { body.contains($0) } ? bad.answer : .status(200)
    }
    // The good ones are to be answered in time on a busy machine, too.
    let timeout = bad.record.contains("noanswer") ? "15" : "600"
    let result = try await site.forward(to: server.url, "--timeout", timeout, "--jobs", jobs)
    #expect(result.exitCode == 1, "\(result)")
    // The answer to one of several requests may be noticed behind all the others' on a busy machine. A
    // refusal with nothing taken behind it is put off first: with others, it is asked again.
    var good = 18
    while bad.folder == "dead", site.count("defer") > 0, good < 218 {
      for place in places where site.files("spool/acme/defer").contains(names[place]) {
        try site.makeDue(names[place])
      }
      try site.addEvents(20, from: 3 + good, issuedApart: 60)
      good += 20
      _ = try await site.forward(to: server.url, "--timeout", timeout, "--jobs", jobs)
    }
    for (place, id) in zip(places, ids) {
      let state = site.text("spool/acme/\(bad.folder)/\(names[place]).state")
      #expect(state.contains(bad.record), "\(place): \(state); \(result)")
      // On a busy machine, what was put off may have been due again.
      #expect(
        try (bad.folder == "dead" ? /"attempts":[1-9]/ : /"deferrals":[1-9]/).firstMatch(in: state)
          != nil)
      #expect(result.errorOutput.contains("id=\(id)"), "\(result)")
    }
    #expect(site.count(bad.folder) == 3 && site.files("spool/acme/done").count == good)
  }

  /// A refusal behind which nothing was taken is asked once more, later.
  @Test func lastEventThatIsRefusedIsPutOffFirst() async throws {
    let names = try site.addEvents(5, issuedApart: 60)
    let bad = site.id(4)
    let server = try AnsweringServer { $0.contains(bad) ? .status(400) : .status(200) }
    #expect(try await site.forward(to: server.url, "--jobs", "1").exitCode == 1)
    #expect(site.count("defer") == 1 && site.files("spool/acme/done").count == 4)
    try site.addEvents(2, from: 5, issuedApart: 60)
    try site.makeDue(names[4])
    #expect(try await site.forward(to: server.url, "--jobs", "1").exitCode == 1)
    #expect(site.files("spool/acme/dead").contains(names[4]))
  }

  /// What was put off before and is alone is put off again, whatever the answer: it is asked once.
  @Test(arguments: [
    AnsweringServer.Answer.status(400), .status(503), .status(404), .status(500),
  ])
  func eventThatWasPutOffAndIsAloneIsAskedOnce(answer: AnsweringServer.Answer) async throws {
    let name = try site.addEvents(1)[0]
    _ = try await site.run("exit 1")
    for record in [#""answer":"503""#, #""answer":"400""#] {
      let state = #"{"attempts":\#(record.contains("400") ? 1 : 0),"deferrals":1,\#(record)}"#
      try site.folder.write(state.utf8, to: "spool/acme/defer/\(name).state")
      let server = try AnsweringServer { _ in answer }
      #expect(try await site.forward(to: server.url).exitCode == 1)
      #expect(server.requests == 1, "\(record)")
      #expect(site.text("spool/acme/defer/\(name).state").contains("nextattempt"))
    }
  }

  /// One of two servers behind an address refuses everything: each event is taken in the end.
  @Test func targetThatRefusesEverySecondRequestLosesNoEvent() async throws {
    try site.addEvents(200)
    let count = Atomic(0)
    let server = try AnsweringServer { _ in
      count.add(1, ordering: .relaxed).newValue % 2 == 0 ? .status(400) : .status(200)
    }
    let result = try await site.forward(to: server.url)
    #expect(result.exitCode == 1 || result.exitCode == 0, "\(result.exitCode)")
    #expect(site.count("dead") <= 4, "\(site.count("dead"))")
  }

  /// Events at the head that the target refuses, more than are asked in a row.
  @Test(arguments: [3, 10, 40], [404, 422])
  func badEventsAtTheHeadHoldUpNoOther(bad: Int, status: Int) async throws {
    try site.addEvents(100, issuedApart: 60)
    let ids = Set((0..<bad).map(site.id))
    let server = try AnsweringServer { body in
      ids.contains { body.contains($0) } ? .status(status) : .status(200)
    }
    let forwarder = try site.startForwarder(to: server.url, "--jobs", "1")
    #expect(
      try await eventually { site.files("spool/acme/done").count == 100 - bad },
      "\(site.files("spool/acme/done").count)")
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
  }

  /// A target that refuses everything for a moment, and then takes it.
  @Test(
    arguments: [.status(400), .status(404), .status(500), .status(503), .cutOff]
      as [AnsweringServer.Answer], [3, 300])
  func outageOfTheTargetChargesNoEvent(answer: AnsweringServer.Answer, count: Int) async throws {
    try site.addEvents(count)
    let isOut = Atomic(true)
    let server = try AnsweringServer { _ in isOut.load(ordering: .relaxed) ? answer : .status(204) }
    if case .cutOff = answer { isOut.store(false, ordering: .relaxed) }
    let forwarder = try site.startForwarder(to: server.url)
    if isOut.load(ordering: .relaxed) {
      #expect(try await eventually { site.text("forward.log").contains("result=unavailable") })
      #expect(site.count("done") == 0 && site.count("dead") == 0 && site.count("defer") == 0)
      isOut.store(false, ordering: .relaxed)
    }
    #expect(
      try await eventually { site.files("spool/acme/done").count == count })
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
    #expect(!site.text("forward.log").contains("result=dead"))
  }

  /// One event that is refused always does not keep the others from a target that was away.
  /// - Parameter atFirst: with two, both have failed when it comes back, and the older one is the bad
  ///   one.
  @Test(arguments: [2, 20])
  func eventThatIsRefusedHoldsUpNoOther(atFirst: Int) async throws {
    try site.addEvents(atFirst, issuedApart: 60)
    let bad = site.id(0)
    let isOut = Atomic(true)
    let server = try AnsweringServer { body in
      isOut.load(ordering: .relaxed) || body.contains(bad) ? .status(400) : .status(204)
    }
    let forwarder = try site.startForwarder(to: server.url)
    #expect(try await eventually { site.text("forward.log").contains("result=unavailable") })
    isOut.store(false, ordering: .relaxed)
    // If it comes back in the middle of a batch, it has changed its mind, and gives up nothing yet. If
    // it is alone in the end, on a slow machine, nobody can tell whose failure it is: so others come.
    var count = atFirst
    #expect(
      try await eventually {
        if site.count("dead") + site.count("defer") == 1 {
          return site.files("spool/acme/done").count == count - 1
        }
        if site.count("new") <= 1 {
          try site.addEvents(1, from: count, issuedApart: 60)
          count += 1
        }
        return false
      },
      """
      of \(count): \(site.files("spool/acme/done").count) done, \(site.files("spool/acme/defer")), \
      \(site.files("spool/acme/dead")), \(site.text("forward.log").suffix(4_000))
      """)
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
  }

  /// More than a batch has, and older than all others.
  @Test func manyOfAKindThatIsRefusedHoldUpNoOther() async throws {
    try site.addEvents(320, issuedApart: 60)
    let good = (300..<320).map(site.id)
    let server = try AnsweringServer { body in
      good.contains { body.contains($0) } ? .status(204) : .status(400)
    }
    let result = try await site.forward(to: server.url)
    #expect(site.files("spool/acme/done").count == 20, "\(result.errorOutput.suffix(4_000))")
    #expect(result.exitCode != 0)
  }

  /// What failed while the target was away was not refused for what it is.
  @Test(arguments: [401, 503])
  func eventIsRefusedTwiceBeforeItIsGivenUp(statusOfOutage: Int) async throws {
    try site.addEvents(20, issuedApart: 60)
    let bad = Set([0, 2, 4].map(site.id))
    let isOut = Atomic(true)
    let refused = Mutex<Set<String>>([])
    let server = try AnsweringServer { body in
      if isOut.load(ordering: .relaxed) { return .status(statusOfOutage) }
      guard let id = bad.first(where: body.contains) else { return .status(204) }
      return refused.withLock { $0.insert(id).inserted } ? .status(400) : .status(204)
    }
    let forwarder = try site.startForwarder(to: server.url)
    #expect(try await eventually { site.text("forward.log").contains("result=unavailable") })
    isOut.store(false, ordering: .relaxed)
    #expect(
      try await eventually { site.files("spool/acme/done").count + site.count("defer") == 20 },
      "\(site.text("forward.log").suffix(4_000))")
    #expect(site.count("dead") == 0, "\(site.text("forward.log").suffix(4_000))")
    #expect(refused.withLock { $0 } == bad)
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
  }

  /// One was on its way when the outage began, and arrives after others have failed. That says nothing
  /// against these.
  @Test func eventThatWasOnItsWayMakesNoOtherGuilty() async throws {
    try site.addEvents(12, issuedApart: 60)
    let early = site.id(1)
    let failed = Atomic(0)
    let server = try AnsweringServer { body in
      guard body.contains(early) else {
        failed.add(1, ordering: .relaxed)
        return .status(400)
      }
      while failed.load(ordering: .relaxed) < 3 { usleep(10_000) }
      return .status(204)
    }
    let result = try await site.forward(to: server.url, "--jobs", "4")
    #expect(result.exitCode == 69, "\(result.errorOutput.suffix(4_000))")
    #expect(site.files("spool/acme/done").count == 1)
    #expect(site.count("dead") == 0, "\(result.errorOutput.suffix(4_000))")
  }

  @Test func retryAfterHoldsUpThatEventAndNotTheProgram() async throws {
    let names = try site.addEvents(30, issuedApart: 60)
    let bad = site.id(3)
    let server = try AnsweringServer { body in
      body.contains(bad)
        ? .status(503, field: "Retry-After: 99999999999") : .status(200)
    }
    let result = try await site.forward(to: server.url)
    #expect(result.exitCode == 1, "\(result)")
    #expect(site.files("spool/acme/done").count == 29)
    let times = site.text("spool/acme/defer/\(names[3]).state")
      .matches(of: /attempt":"(\d{4}[^".]+)\.\d+Z"/).compactMap {
        ISO8601DateFormatter().date(from: "\($0.1)Z")
      }
    try #require(times.count == 2)
    #expect((86_399...86_401).contains(times[1].timeIntervalSince(times[0])))
  }

  @Test func targetIsLeftInPeaceForSomeMinutesAtMost() async throws {
    try site.addEvents(1)
    try await withTarget { url in
      let forwarder = try site.startForwarder(to: "\(url)/busy", options: trusting)
      #expect(try await eventually { site.text("forward.log").contains("pause=300s") })
      forwarder.send(signal: SIGTERM)
      #expect(try await forwarder.exitCode() == 0)
    }
    #expect(site.count("new") == 1)
  }

  @Test func certificateThatNobodyVouchesForIsRefused() async throws {
    let name = try site.addEvents(1)[0]
    try await withTarget { url in
      let result = try await site.forward(to: "\(url)/200")
      #expect(result.exitCode == 69, "\(result)")
      #expect(result.errorOutput.contains("certificate"), "\(result)")
      let wrongName = try await forward(to: url.replacing("localhost", with: "127.0.0.1") + "/200")
      #expect(wrongName.exitCode == 69 && wrongName.errorOutput.contains("name"), "\(wrongName)")
    }
    #expect(site.events == ["acme/new/\(name)"])
  }

  @Test(arguments: ["http://example.com/", "ftp://localhost/", "https://u:secret@localhost/", "x"])
  func addressThatIsNotSafeIsRefused(url: String) async throws {
    let result = try await site.forward(to: url)
    #expect(result.exitCode == 64 && !result.errorOutput.contains("secret"), "\(result)")
  }

  // MARK: The spool

  @Test(arguments: [[], ["--follow"]])
  func layoutOfAnotherVersionIsNotTouched(options: [String]) async throws {
    let name = try site.addEvents(1)[0]
    try site.folder.write("2\n".utf8, to: "spool/acme/format")
    let server = try AnsweringServer { _ in .status(200) }
    let result = try await site.forward(to: server.url, options: options)
    #expect(result.exitCode == 74 && result.errorOutput.contains("layout 2"), "\(result)")
    #expect(server.requests == 0 && site.events == ["acme/new/\(name)"])
  }

  // MARK: A target that is away

  @Test func targetThatIsAwayIsWaitedFor() async throws {
    try site.addEvents(500)
    let port = try freePort()
    let forwarder = try site.startForwarder(to: "http://localhost:\(port)/", "--jobs", "4")
    #expect(try await eventually { site.text("forward.log").contains("result=unavailable") })
    forwarder.send(signal: SIGTERM)
    #expect(try await forwarder.exitCode() == 0)
    #expect(site.count("new") == 500)
  }

  @Test func firstSignalLetsRequestsFinish() async throws {
    try site.addEvents(20)
    try await withTarget { url in
      let forwarder = try site.startForwarder(
        to: "\(url)/silent", options: trusting + ["--jobs", "2", "--timeout", "15"])
      #expect(try await eventually { site.count("cur") == 20 })
      forwarder.send(signal: SIGTERM)
      #expect(try await forwarder.exitCode() == 0)
    }
    // Two requests reached their time limit. The others were not begun.
    #expect(site.count("new") == 20)
  }

  /// What has taken one event's place concerns that event alone.
  @Test func eventThatCannotGoBackKeepsNoOthersFromIt() async throws {
    let names = try site.addEvents(20, issuedApart: 60)
    let blocked = [0, 7, 19].map { names[$0] }
    try await withTarget { url in
      let forwarder = try site.startForwarder(
        to: "\(url)/silent", options: trusting + ["--jobs", "2", "--timeout", "15"])
      #expect(try await eventually { site.count("cur") == 20 })
      for name in blocked { try site.folder.makeFolder("spool/acme/new/\(name)") }
      forwarder.send(signal: SIGTERM)
      #expect(try await forwarder.exitCode() == 0)
    }
    #expect(site.files("spool/acme/cur") == blocked)
    #expect(site.count("new") == 17)
    let log = site.text("forward.log")
    #expect(
      blocked.allSatisfy { log.contains("new/\($0): something else lies there") }, "\(log)")
  }
}
