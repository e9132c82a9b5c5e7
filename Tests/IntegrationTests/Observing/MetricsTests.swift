internal import Foundation
internal import Glibc
internal import ServiceProcess
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The numbers for Prometheus.
@Suite(.noHang)
struct MetricsTests {
  /// Deliveries to `acme`, each of which is counted by itself.
  private func makeKnownDeliveries(_ responder: ResponderUnderTest) throws {
    let good = try nowAuthorization()
    let wrong = try nowAuthorization(by: .otherP521)
    let cases: [([UInt8], instance: String?, hook: String?, status: Int)] = [
      (good, "acme", "export-complete", 202), (good, "acme", "export-complete", 200),
      (good, "acme", "export-complete", 200), (wrong, "acme", "export-complete", 401),
      (good, "acme", "scan-success", 422), (wrong, "acme", nil, 401), (good, nil, nil, 500),
    ]
    for (authorization, instance, hook, status) in cases {
      let answer = try responder.deliver(
        authorization: authorization, hook: hook, instance: instance)
      #expect(answer.status == status)
    }
  }

  private static let expectedDeliveries = [
    #"{instance="",hook="",code="misconfigured"}"#: "1",
    #"{instance="acme",hook="",code="bad-signature"}"#: "1",
    #"{instance="acme",hook="export-complete",code="bad-signature"}"#: "1",
    #"{instance="acme",hook="export-complete",code="stored"}"#: "1",
    #"{instance="acme",hook="export-complete",code="duplicate"}"#: "2",
    #"{instance="acme",hook="scan-success",code="wrong-hook"}"#: "1",
  ]

  /// Those of the deliveries' counters that are not 0.
  private func deliveries(_ samples: [String: String]) -> [String: String] {
    let name = Metric.deliveries.rawValue
    let pairs = samples.filter { $0.key.hasPrefix("\(name){") && $0.value != "0" }
      .map { (String($0.key.dropFirst(name.count)), $0.value) }
    return Dictionary(pairs) { first, _ in first }
  }

  /// The metrics of a responder that has been reloaded, and whose spool has an event.
  private static let all = Metric.allCases.filter {
    $0 != .spoolArrivals && !$0.rawValue.hasPrefix("delve_webhook_consumer_")
  }

  // MARK: Real readers

  @Test func prometheusReadsThemThroughNginxAndApache() async throws {
    let remote = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;"
    let ofApache = """
      LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so
      RemoteIPHeader X-Forwarded-For
      RemoteIPInternalProxy 127.0.0.1
      """
    let configuration = twoInstances()
    try await withResponder(configuration: configuration) { responder in
      try makeKnownDeliveries(responder)
      try await responder.reload(configuration, logs: "reloaded config=")
      try await withNginx(before: responder, serverSettings: remote) { nginx in
        try await withApache("proxy", configuration, in: responder.folder, settings: ofApache) {
          apache in
          for server in [nginx, apache] { try await checkLocations(of: server) }
          try await checkTexts(of: nginx)
          try await withPrometheus(scraping: [nginx.port, apache.port], in: responder.folder) {
            try await checkSeries(of: $0)
          }
        }
      }
    }
  }

  /// Methods, and who may look.
  private func checkLocations(of server: WebServer) async throws {
    for (location, type) in [
      ("metrics", "text/plain; version=0.0.4; charset=utf-8"),
      ("status", "text/html; charset=utf-8"),
    ] {
      let get = try await server.curl(location, [])
      #expect(get.head.hasPrefix("HTTP/1.1 200"), "\(get.head)")
      #expect(get.head.contains("\r\nContent-Type: \(type)"), "\(get.head)")
      #expect(!get.body.isEmpty)
      let head = try await server.curl(location, ["--head"])
      #expect(head.head.hasPrefix("HTTP/1.1 200"), "\(head.head)")
      #expect(head.body.isEmpty)
      for method in ["POST", "PUT", "DELETE"] {
        let answer = try await server.curl(location, ["-X", method, "-d", "x"])
        #expect(answer.head.hasPrefix("HTTP/1.1 405"), "\(answer.head)")
        #expect(answer.head.contains("\r\nAllow: GET, HEAD"), "\(answer.head)")
      }
      // The control was the first request.
      let foreign = try await server.curl(location, ["-H", "X-Forwarded-For: 203.0.113.9"])
      #expect(foreign.head.hasPrefix("HTTP/1.1 403"), "\(foreign.head)")
    }
  }

  /// Both formats, by the programs of those who know them.
  private func checkTexts(of server: WebServer) async throws {
    let plain = try await server.curl("metrics", []).body
    let found = samples(in: plain)
    #expect(deliveries(found) == Self.expectedDeliveries)
    // It appears when the spool was first looked at.
    let isLookedAt = try await eventually {
      try await server.curl("metrics", []).body.contains(Metric.spoolEvents.rawValue)
    }
    #expect(isLookedAt, "nobody has looked at the spool")
    let text = try await server.curl("metrics", []).body
    for metric in Self.all where metric != .spoolOldestAge {
      #expect(text.contains("\n# TYPE \(metric.rawValue) "), "\(metric)")
    }
    let check = try await command("promtool", ["check", "metrics"], input: text)
    #expect(check.exitCode == 0 && check.output + check.errorOutput == "", "\(check)")
    let open = try await server.curl(
      "metrics", ["-H", "Accept: application/openmetrics-text;version=1.0.0"])
    #expect(
      open.head.contains(
        "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"))
    let script = """
      import sys
      from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed
      for family in parsed(sys.stdin.read()):
          for sample in family.samples:
              if sample.name.endswith(("_total", "_created")):
                  print(sample.name, sample.labels.get("code", "-"), int(sample.value))
      """
    let parsed = try await command("/usr/bin/python3", ["-c", script], input: open.body)
    #expect(parsed.exitCode == 0, "\(parsed.errorOutput)")
    #expect(parsed.output.contains("delve_webhook_deliveries_total wrong-hook 1\n"))
    #expect(parsed.output.contains("delve_webhook_deliveries_created wrong-hook "))
    #expect(!text.contains("_created"))
    // The control: without its end it is another format.
    let control = try await command(
      "/usr/bin/python3", ["-c", script], input: String(open.body.dropLast("# EOF\n".count)))
    #expect(control.exitCode != 0)
  }

  private func checkSeries(of prometheus: PrometheusServer) async throws {
    let areUp = try await eventually {
      let targets = try await prometheus.targets()
      return targets.map(\.health) == ["up", "up"] && targets.allSatisfy { $0.lastError.isEmpty }
    }
    let targets = try await prometheus.targets()
    #expect(areUp, "\(targets)")
    // On a busy machine, a scrape now and then takes longer than Prometheus waits.
    for (expression, expected) in [
      ("up", ["1", "1"]),
      (#"delve_webhook_deliveries_total{exported_instance="acme",code="stored"} > 0"#, ["1", "1"]),
      ("sum by (code) (delve_webhook_deliveries_total) > 0", ["2", "2", "2", "4", "4"]),
      ("delve_webhook_build_info", ["1", "1"]),
      (#"delve_webhook_delivery_seconds_bucket{le="+Inf"}"#, ["7", "7"]),
    ] {
      var values: [String] = []
      let areFound = try await eventually {
        values = try await prometheus.values(expression)
        return values == expected
      }
      #expect(areFound, "\(expression): \(values)")
    }
    let rules = try await prometheus.api("rules")?["groups"]?.array ?? []
    #expect(!rules.isEmpty)
    for group in rules {
      for rule in group.object?["rules"]?.array ?? [] {
        let error = strings(rule.object?["lastError"]).joined()
        #expect(error == "", "\(rule)")
      }
    }
  }

  // MARK: With the command line

  @Test func spoolStatsSaysTheSameOfTheSpool() async throws {
    let site = try SpoolSite()
    try site.addEvents(3)
    for (state, count) in [("cur", 1), ("dead", 2), ("done/2026-09-21", 1)] {
      try site.folder.makeFolder("spool/acme/\(state)")
      for _ in 0..<count {
        let name = try #require(try site.addEvents(1, from: 10 + site.events.count).first)
        #expect(
          rename("\(site.path)/spool/acme/new/\(name)", "\(site.path)/spool/acme/\(state)/\(name)")
            == 0)
      }
    }
    try await withResponder(in: site.folder) { responder in
      let isLookedAt = try await eventually {
        try responder.observe("metrics").text.contains(Metric.spoolEvents.rawValue)
      }
      #expect(isLookedAt, "nobody has looked at the spool")
      let stats = samples(in: try await site.delveWebhook("spool", "stats", "--prometheus").output)
      let own = try responder.metrics()
      let shared = stats.filter { !$0.key.hasPrefix(Metric.spoolArrivals.rawValue) }
      #expect(Set(shared.keys).isSubset(of: own.keys), "\(shared.keys) \(own.keys)")
      let counts = stats.filter { $0.key.hasPrefix(Metric.spoolEvents.rawValue) }
      #expect(counts.count == 5)
      for (name, value) in counts { #expect(own[name] == value, "\(name)") }
      #expect(counts.values.sorted() == ["0", "1", "1", "2", "3"])
      #expect(own.keys.contains { $0.hasPrefix(Metric.spoolOldestAge.rawValue) })
    }
  }

  // MARK: Reloads

  @Test func removedInstanceLosesItsSeriesAndFailuresShow() async throws {
    let folder = try TemporaryFolder()
    try folder.write(fileBytes(TestKey.p521.path), to: "key.pem")
    let both = twoInstances().replacing(TestKey.p521.path, with: "key.pem")
    let one = exampleConfiguration().replacing(TestKey.p521.path, with: "key.pem")
    try await withResponder(configuration: both, in: folder) { responder in
      for instance in ["acme", "beta"] {
        let token = try nowAuthorization(id: instance)
        #expect(try responder.deliver(authorization: token, instance: instance).status == 202)
      }
      func value(_ metric: Metric, _ labels: String = "") throws -> String? {
        try responder.metrics()["\(metric.rawValue)\(labels)"]
      }
      let stored = #"{instance="acme",hook="",code="stored"}"#
      #expect(try value(.deliveries, stored) == "1")
      #expect(try responder.observe("metrics").text.contains(#"instance="beta""#))
      #expect(try responder.observe("metrics", instance: "acme").text.contains("beta") == false)
      #expect(try value(.lastReloadSuccessful) == "1")
      #expect(try value(.lastReload) == nil)

      try await responder.reload(one, logs: "reloaded config=")
      #expect(try !responder.observe("metrics").text.contains("beta"))
      #expect(try value(.deliveries, stored) == "1")
      #expect(try value(.reloads, #"{result="done"}"#) == "1")
      #expect(try value(.lastReload) != nil)

      try await responder.reload("spool: [", logs: "reload failed")
      #expect(try value(.reloads, #"{result="failed"}"#) == "1")
      #expect(try value(.lastReloadSuccessful) == "0")
      #expect(try value(.deliveries, stored) == "1")

      // It comes back with nothing.
      try await responder.reload(both, logs: "reloaded config=")
      #expect(try value(.lastReloadSuccessful) == "1")
      for hook in ["", "scan-success"] {
        let labels = #"{instance="beta",hook="\#(hook)",code="stored"}"#
        #expect(try value(.deliveries, labels) == "0")
      }

      let readable = #"{instance="acme"}"#
      #expect(try value(.keyFilesReadable, readable) == "1")
      let loaded = try value(.keysLoaded, readable)
      let thumbprint = try TestKey.p521.verificationKeys[0].thumbprint.text
      let key = #"{instance="acme",thumbprint="\#(thumbprint)",algorithm="ES512"}"#
      try folder.write("rubbish".utf8, to: "key.pem")
      #expect(try await eventually { try value(.keyFilesReadable, readable) == "0" })
      #expect(try value(.key, key) == "1")
      #expect(try value(.keysLoaded, readable) == loaded)
      try folder.write(fileBytes(TestKey.p521.path), to: "key.pem")
      #expect(try await eventually { try value(.keyFilesReadable, readable) == "1" })
      #expect(try value(.keysLoaded, readable) != loaded)
    }
  }

  // MARK: Restarts

  @Test func restartKeepsWhenAnEventWasLastStored() async throws {
    let folder = try TemporaryFolder()
    let labels = #"{instance="acme",hook="export-complete"}"#
    let stored = #"{instance="acme",hook="export-complete",code="stored"}"#
    try await withResponder(in: folder) { responder in
      let begin = time(nil)
      #expect(
        try responder.deliver(authorization: try nowAuthorization(), hook: "export-complete").status
          == 202)
      let metrics = try responder.metrics()
      #expect(metrics[Metric.deliveries.rawValue + stored] == "1")
      let seconds = try #require(metrics[Metric.lastStored.rawValue + labels].flatMap(Double.init))
      #expect((begin...time(nil)).contains(Int(seconds)))
    }
    // It is handled meanwhile.
    let event = try #require(folder.files(below: "spool").first { $0.contains("/new/") })
    #expect(unlink("\(folder.path)/spool/\(event)") == 0)
    let id = try #require(folder.files(below: "spool").first { $0.contains("/ids/") })
    var status = stat()
    #expect(stat("\(folder.path)/spool/\(id)", &status) == 0)
    let seconds = status.st_mtim.tv_sec
    try await withResponder(in: folder) { responder in
      let isRead = try await eventually {
        try responder.metrics()[Metric.lastStored.rawValue + labels] != nil
      }
      #expect(isRead, "the spool's memory was not read")
      let metrics = try responder.metrics()
      let after = metrics[Metric.lastStored.rawValue + labels]
      // The file's time is whole seconds here.
      #expect(after?.prefix { $0 != "." } == "\(seconds)", "\(after ?? "")")
      #expect(metrics[Metric.deliveries.rawValue + stored] == "0")
      #expect(metrics[Metric.lastDelivery.rawValue + stored] == nil)
    }
  }

  // MARK: Several processes

  @Test(arguments: [WebServerWay.apacheFcgid, .apacheCGI, .nginxWithSpawnFCGI])
  func processThatIsOneOfSeveralSaysSo(way: WebServerWay) async throws {
    try await withWebServer(way) { server in
      for location in ["metrics", "status"] {
        let answer = try await server.curl(location, [])
        #expect(answer.head.hasPrefix("HTTP/1.1 501"), "\(answer.head)")
        #expect(answer.head.contains("\r\nContent-Type: text/plain; charset=utf-8"))
        #expect(answer.body.contains("each would count for itself"))
        #expect(answer.body.contains("delve-webhook spool stats"))
        let post = try await server.curl(location, ["-d", "x"])
        #expect(post.head.hasPrefix("HTTP/1.1 405"), "\(post.head)")
      }
      // The control.
      let delivery = try await server.curl("export", try server.signed() + ["-d", "{}"])
      #expect(delivery.head.hasPrefix("HTTP/1.1 202"))
    }
  }

  @Test func inheritedSocketOfTheServiceManagerIsOneProcess() async throws {
    try await withResponder(start: .socketActivated) { responder in
      let answer = try responder.observe("metrics")
      #expect(answer.status == 200)
    }
  }

  // MARK: A responder that is stuck

  /// - Returns: false if the workers did not stay stuck for as long as it took.
  private func lookWhileWorkersAreStuck(
    _ responder: ResponderUnderTest, _ round: Int
  ) throws -> Bool {
    let holder = LockHolder(spool: "\(responder.folder.path)/spool")
    let start = ContinuousClock.now
    let clients = try (0..<3).map { number in
      let client = try responder.client()
      try client.beginDelivery(try nowAuthorization(id: "\(round)-\(number)"))
      return client
    }
    var metrics: [String: String] = [:]
    repeat {
      metrics = try responder.metrics()
    } while (metrics[Metric.workersBusy.rawValue] != "2"
      || metrics[Metric.requestsWaiting.rawValue] != "1")
      && ContinuousClock.now - start < .seconds(9)
    let page = try responder.statusOnce()
    let isLate = page.findings.contains { $0.contains("disk has not answered") }
    guard !isLate, ContinuousClock.now - start < .seconds(9) else {
      for client in clients { _ = try? client.response() }
      return false
    }
    #expect(page.verdict == "attention")
    #expect(page.findings.contains("attention: All workers are busy, and 1 requests wait."))
    for client in clients { #expect(!client.isClosed) }
    _ = consume holder
    let statuses = clients.map { (try? $0.response())?.status }
    guard ContinuousClock.now - start < .seconds(9) else { return false }
    #expect(statuses == [202, 202, 202])
    return true
  }

  @Test func workersThatAreStuckHoldUpNoLook() async throws {
    let settings = exampleConfiguration(settings: "workers: 2")
    try await withResponder(configuration: settings) { (responder) async throws in
      // On a busy machine, their ten seconds may be over before both looks: then again.
      var round = 0
      let isSeen = try await eventually {
        round += 1
        return try lookWhileWorkersAreStuck(responder, round)
      }
      #expect(
        isSeen, "in \(round) rounds, the workers were never stuck for as long as the looks took")
      let metrics = try responder.metrics()
      #expect(metrics[Metric.workersBusy.rawValue] == "0")
      #expect(metrics[Metric.workersBusyPeak.rawValue] == "2")
      #expect(metrics[Metric.workersLimit.rawValue] == "2")
    }
  }
}
