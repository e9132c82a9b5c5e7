internal import EventSpool
internal import OpenSSLCrypto
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// The status page for a person: one HTML document without scripts and without anything from
/// elsewhere, which asks to be loaded again every ten seconds.
struct StatusPage {
  /// Only the one style sheet below is allowed, and nothing else.
  static let headers = [
    (
      "Content-Security-Policy",
      "default-src 'none'; style-src 'sha256-\(base64(sha256(Array(style.utf8))))'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
  ]

  private let report: Report
  private var html = HTMLText()

  init(_ report: Report) {
    self.report = report
    html.markup(
      #"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">"#)
    html.markup(#"<meta name="viewport" content="width=device-width, initial-scale=1">"#)
    html.markup(#"<meta http-equiv="refresh" content="10"><meta name="robots" content="noindex">"#)
    html.markup("<meta name=\"color-scheme\" content=\"light dark\"><title>")
    html.text("\(report.verdict.rawValue) · delve-webhook")
    html.markup("</title><style>")
    html.markup(Self.styleMarkup)
    html.markup("</style></head><body><main>")
    appendHead()
    appendChart()
    for instance in report.instances { append(instance) }
    appendRecent()
    appendProcess()
    html.markup("</main></body></html>\n")
  }

  var bytes: [UInt8] { html.bytes }

  // MARK: At a glance

  private mutating func appendHead() {
    html.markup("<header><h1>delve-webhook</h1>")
    switch report.verdict {
    case .failing: html.markup(#"<p class="verdict failing">failing</p>"#)
    case .attention: html.markup(#"<p class="verdict attention">attention</p>"#)
    case .well: html.markup(#"<p class="verdict well">well</p>"#)
    }
    html.markup("</header>")
    let findings = report.findings
    guard !findings.isEmpty else { return }
    html.markup(#"<ul class="findings">"#)
    for finding in findings {
      switch finding.severity {
      case .failing: html.markup(#"<li class="failing">"#)
      case .attention: html.markup(#"<li class="attention">"#)
      }
      html.text(finding.sentence)
      html.markup(#" <span class="quiet">"#)
      html.text(finding.remedy)
      html.markup("</span></li>")
    }
    html.markup("</ul>")
  }

  // MARK: The chart

  private static let columnWidth = 20
  private static let columnGap = 4
  private static let chartHeight = 160

  private mutating func appendChart() {
    let hours = report.hours.map { HourReport(start: $0.start, $0.counts) }
    let most = hours.map(\.all).max() ?? 0
    html.markup("<section><h2>Deliveries of the last 48 hours</h2>")
    html.markup(#"<svg viewBox="0 0 960 160" preserveAspectRatio="none" role="img" aria-label=""#)
    html.text("Stored and refused deliveries by hour; the most in one hour: \(most)")
    html.markup(#"">"#)
    for (index, hour) in hours.enumerated() where hour.all > 0 {
      append(hour, column: index, most: most)
    }
    html.markup(#"<line class="axis" x1="0" y1="160" x2="960" y2="160"/></svg>"#)
    html.markup(#"<p class="axis"><span>"#)
    html.text("\(HourlyCounts.hoursKept) h ago")
    html.markup("</span><span>")
    html.text("most in an hour: \(most)")
    html.markup("</span><span>now</span></p>")
    appendLegend(hours)
    if !report.isHistoryComplete {
      html.markup(#"<p class="quiet">Still reading what the spool remembers.</p>"#)
    }
    html.markup(#"<p class="quiet">"#)
    html.text(
      "Stored ones are counted from the spool's memory too; refused ones since the start, "
        + "\(inUTC(report.startedAt.seconds)).")
    html.markup("</p></section>")
  }

  /// Refused ones stand above the stored.
  private mutating func append(_ hour: HourReport, column: Int, most: Int) {
    html.markup("<g><title>")
    let parts =
      hour.stored.filter { $0.count > 0 }.map { "\($0.count) \($0.kind.kindName)" }
      + (hour.refused > 0 ? ["\(hour.refused) refused"] : [])
    html.text("\(inUTC(hour.start)): \(parts.joined(separator: ", "))")
    html.markup("</title>")
    var below = 0
    func appendBar(_ count: Int, _ open: StaticString) {
      guard count > 0 else { return }
      let (top, bottom) = (height(of: below + count, most), height(of: below, most))
      below += count
      html.markup(open)
      html.text("\(column * Self.columnWidth + Self.columnGap / 2)")
      html.markup(#"" width="16" y=""#)
      html.text("\(Self.chartHeight - top)")
      html.markup(#"" height=""#)
      html.text("\(max(1, top - bottom))")
      html.markup(#""/>"#)
    }
    for (kind, count) in hour.stored { appendBar(count, Self.barOpening(of: kind)) }
    appendBar(hour.refused, #"<rect class="refused" x=""#)
    html.markup("</g>")
  }

  private func height(of count: Int, _ most: Int) -> Int {
    most == 0 ? 0 : count * (Self.chartHeight - 4) / most
  }

  private static func barOpening(of kind: Hook?) -> StaticString {
    switch kind {
    case .scanSuccess: #"<rect class="scan-success" x=""#
    case .scanFailure: #"<rect class="scan-failure" x=""#
    case .exportComplete: #"<rect class="export-complete" x=""#
    case nil: #"<rect class="other" x=""#
    }
  }

  private mutating func appendLegend(_ hours: [HourReport]) {
    html.markup(#"<ul class="legend">"#)
    func append(_ open: StaticString, _ name: String, _ count: Int) {
      html.markup(open)
      html.text("\(name) \(count)")
      html.markup("</li>")
    }
    for kind in Hook.allCases.map(Optional.init) + [nil] {
      let count = hours.reduce(0) { sum, hour in
        sum + (hour.stored.first { $0.kind == kind }?.count ?? 0)
      }
      // Other kinds are not the vendor's today.
      if kind != nil || count > 0 { append(Self.legendOpening(of: kind), kind.kindName, count) }
    }
    append(
      #"<li><i class="refused"></i>"#, "refused", hours.reduce(0) { $0 + $1.refused })
    html.markup("</ul>")
  }

  private static func legendOpening(of kind: Hook?) -> StaticString {
    switch kind {
    case .scanSuccess: #"<li><i class="scan-success"></i>"#
    case .scanFailure: #"<li><i class="scan-failure"></i>"#
    case .exportComplete: #"<li><i class="export-complete"></i>"#
    case nil: #"<li><i class="other"></i>"#
    }
  }

  // MARK: An instance

  private mutating func append(_ instance: Report.InstanceReport) {
    html.markup("<section><h2>")
    html.text("\(instance.name)")
    html.markup(#" <span class="quiet">"#)
    html.text(instance.instance.url)
    html.markup("</span></h2>")
    appendStates(of: instance)
    appendHooks(of: instance)
    appendKeys(of: instance)
    appendDead(of: instance)
    html.markup("</section>")
  }

  private mutating func appendStates(of instance: Report.InstanceReport) {
    guard let age = instance.lookAge(now: report.now) else {
      html.markup(#"<p class="quiet">The events have not been counted yet.</p>"#)
      return
    }
    html.markup(
      #"<table><thead><tr><th>State</th><th>Events</th><th>Oldest</th></tr></thead><tbody>"#
    )
    for state in EventState.allCases {
      appendRow([
        ("State", state.rawValue), ("Events", "\(instance.view.states[state]?.count ?? 0)"),
        ("Oldest", instance.oldestAge(in: state, now: report.now).map(inWords) ?? "–"),
      ])
    }
    html.markup(#"</tbody></table><p class="quiet">"#)
    html.text("Counted \(inWords(age)) ago.")
    html.markup("</p>")
  }

  private mutating func appendHooks(of instance: Report.InstanceReport) {
    html.markup(
      "<table class=\"wide\"><thead><tr><th>Hook</th><th>Last stored</th><th>Since the start</th></tr></thead><tbody>"
    )
    let last = report.lastStored(of: instance.name)
    for kind in Hook.allCases.map(Optional.init) + [nil] {
      let time = last.first { $0.kind == kind }?.time
      let answers = report.deliveries.deliveries
        .filter { $0.key.instance == instance.name && $0.key.hook == kind }
        .map { (code: $0.key.answer.codeWord, number: $0.value.number) }
        .sorted { $0.code < $1.code }
      guard kind != nil || time != nil || !answers.isEmpty else { continue }
      appendRow([
        ("Hook", kind?.rawValue ?? "any other"),
        (
          "Last stored",
          time.map {
            "\(inUTC($0.seconds)), \(inWords(report.now.seconds - $0.seconds)) ago"
          } ?? "–"
        ),
        (
          "Since the start",
          answers.isEmpty
            ? "–" : answers.map { "\($0.number) \($0.code)" }.joined(separator: ", ")
        ),
      ])
    }
    html.markup("</tbody></table>")
  }

  private mutating func appendKeys(of instance: Report.InstanceReport) {
    html.markup(
      "<table class=\"wide\"><thead><tr><th>Key</th><th>Type</th><th>Algorithms</th></tr></thead><tbody>"
    )
    for key in instance.instance.keys {
      appendRow([
        ("Key", key.thumbprint.text), ("Type", key.typeName),
        ("Algorithms", key.algorithms.map(\.rawValue).sorted().joined(separator: ", ")),
      ])
    }
    html.markup("</tbody></table>")
    guard let keys = instance.keys else { return }
    html.markup(#"<p class="quiet">"#)
    html.text("Keys read \(inUTC(keys.loadedAt.seconds)).")
    html.markup("</p>")
  }

  private mutating func appendDead(of instance: Report.InstanceReport) {
    guard !instance.view.dead.isEmpty else { return }
    html.markup(
      "<table class=\"wide\"><thead><tr><th>Given up</th><th>Reason</th><th>What it said</th></tr></thead><tbody>"
    )
    for (entry, record) in instance.view.dead {
      let name = entry.summary
      let event = name.map { "\($0.kind)/\($0.claimID) \($0.idPrefix)" } ?? entry.fileName
      appendRow([
        ("Given up", event), ("Reason", record?.reason ?? "unknown"),
        ("What it said", record.map(\.shortOutput) ?? ""),
      ])
    }
    html.markup("</tbody></table>")
  }

  // MARK: Decisions

  private mutating func appendRecent() {
    html.markup("<section><h2>Last decisions</h2>")
    let recent = report.deliveries.recent.newestFirst
    if recent.isEmpty {
      html.markup(#"<p class="quiet">None since the start.</p></section>"#)
      return
    }
    html.markup(
      "<table class=\"wide\"><thead><tr><th>Time</th><th>Code</th><th>Event</th><th>From</th><th>µs</th></tr></thead>"
    )
    html.markup("<tbody>")
    for entry in recent {
      let event = entry.event.map { "\($0.subject) \($0.id.hex.prefix(12))" }
      appendRow([
        ("Time", inUTC(entry.decidedAt.seconds)), ("Code", entry.answer.codeWord),
        ("Event", event ?? entry.keptAs.map { "kept as \($0)" } ?? "–"),
        ("From", entry.remoteAddress), ("µs", "\(entry.microseconds)"),
      ])
    }
    html.markup("</tbody></table></section>")
  }

  private mutating func appendProcess() {
    html.markup("<footer><p>")
    let values = report.values
    html.text(
      "Version \(programVersion), started \(inUTC(report.startedAt.seconds)). "
        + "Workers: \(values.busyWorkers) busy, \(values.mostBusyWorkers) at most so far, "
        + "\(report.settings.workers) allowed. Connections: \(report.openConnections) of "
        + "\(report.connectionsLimit). Requests waiting: \(report.waitingRequests). "
        + "Log lines lost: \(report.lostLogLines), held back: \(values.suppressedLines).")
    html.markup("</p><p>")
    let free =
      report.free.map { "\($0.bytes) bytes and \($0.inodes) inodes free" } ?? "not looked at yet"
    html.text("Spool \(report.spoolPath): \(free). ")
    if let time = report.reloads.lastTriedAt {
      html.text(
        "Last reload \(inUTC(time.seconds)): \(report.reloads.problem.map { "failed: \($0)" } ?? "done")."
      )
    }
    html.markup("</p><p>")
    html.text(
      "This page is of \(inUTC(report.now.seconds)), and is loaded again every ten seconds.")
    html.markup("</p></footer>")
  }

  /// - Parameter cells: each with the heading of its column, which stands beside it where the screen
  ///   is narrow.
  private mutating func appendRow(_ cells: [(heading: String, text: String)]) {
    html.markup("<tr>")
    for (heading, text) in cells {
      html.markup(#"<td data-heading=""#)
      html.text(heading)
      html.markup(#"">"#)
      html.text(text)
      html.markup("</td>")
    }
    html.markup("</tr>")
  }
}

/// `2026-11-27 06:12:03 UTC`
private func inUTC(_ seconds: Int64) -> String {
  let text = CalendarDate(secondsSince1970: seconds).rfc3339
  return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC"
}

/// RFC 4648 §4.
private func base64(_ bytes: [UInt8]) -> String {
  let text = String(decoding: base64URL(bytes), as: UTF8.self)
    .map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
  return String(text) + String(repeating: "=", count: (3 - bytes.count % 3) % 3)
}

extension StatusPage {
  private static var style: String {
    String(
      decoding: UnsafeBufferPointer(
        start: styleMarkup.utf8Start, count: styleMarkup.utf8CodeUnitCount), as: UTF8.self)
  }

  private static let styleMarkup: StaticString = """
    :root{--back:#fff;--text:#1b1f24;--quiet:#57606a;--line:#d0d7de;--well:#1a7f37;\
    --attention:#9a6700;--failing:#cf222e;--success:#2f81b7;--failure:#d97706;--export:#7c5cbf;\
    --other:#6e7781}
    @media (prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--quiet:#9198a1;\
    --line:#3d444d;--well:#3fb950;--attention:#d29922;--failing:#f85149;--success:#58a6d6;\
    --failure:#f0a04b;--export:#a98ae0;--other:#8b949e}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
    main{max-width:70rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
    header{display:flex;flex-wrap:wrap;align-items:center;gap:1rem}
    h1{font-size:1.4rem;margin:0}
    h2{font-size:1.1rem;margin:2rem 0 .5rem}
    .verdict{margin:0;padding:.15rem .9rem;border-radius:1rem;font-weight:600;color:var(--back)}
    .verdict.well{background:var(--well)}
    .verdict.attention{background:var(--attention)}
    .verdict.failing{background:var(--failing)}
    .findings{padding:0;list-style:none}
    .findings li{margin:.4rem 0;padding-left:.8rem;border-left:.25rem solid}
    .findings .attention{border-color:var(--attention)}
    .findings .failing{border-color:var(--failing)}
    .quiet{color:var(--quiet);font-size:.9rem;font-weight:400}
    svg{display:block;width:100%;height:10rem}
    line.axis{stroke:var(--line);vector-effect:non-scaling-stroke}
    p.axis{display:flex;justify-content:space-between;gap:1rem;margin:0;white-space:nowrap;color:var(--quiet);\
    font-size:.85rem}
    .legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.5rem 0;padding:0;list-style:none}
    .legend i{display:inline-block;width:.8rem;height:.8rem;margin-right:.4rem}
    rect.scan-success{fill:var(--success)}
    i.scan-success{background:var(--success)}
    rect.scan-failure{fill:var(--failure)}
    i.scan-failure{background:var(--failure)}
    rect.export-complete{fill:var(--export)}
    i.export-complete{background:var(--export)}
    rect.other{fill:var(--other)}
    i.other{background:var(--other)}
    rect.refused{fill:var(--failing)}
    i.refused{background:var(--failing)}
    table{width:100%;border-collapse:collapse;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}
    th,td{padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);text-align:left;\
    vertical-align:top}
    th{color:var(--quiet);font-size:.85rem;font-weight:600;overflow-wrap:normal}
    footer{margin-top:2rem;color:var(--quiet);font-size:.85rem}
    table:not(.wide){max-width:30rem}
    @media (max-width:45rem){.wide thead{display:none}.wide tr{display:block;padding:.4rem 0;\
    border-bottom:1px solid var(--line)}.wide td{display:flex;gap:.8rem;border:0;padding:.05rem 0}\
    .wide td::before{content:attr(data-heading);flex:0 0 7rem;color:var(--quiet)}}
    """
}
