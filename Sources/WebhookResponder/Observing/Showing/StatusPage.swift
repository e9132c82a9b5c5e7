internal import EventSpool
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// The status page for a person: one HTML document without scripts and without anything from
/// elsewhere, which asks to be loaded again every ten seconds.
struct StatusPage {
  static let headers = [
    ("Content-Security-Policy", StatusStyle.policy), ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
  ]

  private let report: Report
  private var html = HTMLText()

  init(_ report: Report) {
    self.report = report
    html.markup(#"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">"#)
    html.markup(#"<meta name="viewport" content="width=device-width, initial-scale=1">"#)
    html.markup(#"<meta http-equiv="refresh" content="10"><meta name="robots" content="noindex">"#)
    html.markup("<meta name=\"color-scheme\" content=\"light dark\"><title>")
    html.text("\(report.verdict.rawValue) · delve-webhook")
    html.markup("</title><style>")
    html.markup(StatusStyle.sheet)
    html.markup("</style></head><body><main>")
    appendHead()
    appendDeliveries()
    for instance in report.instances { append(instance) }
    appendRecent()
    appendProcess()
    html.markup("</main></body></html>\n")
  }

  var bytes: [UInt8] { html.bytes }

  // MARK: At a glance

  private mutating func appendHead() {
    html.markup("<header><h1>delve-webhook</h1>")
    html.markup(#"<p class="verdict "#)
    html.text(report.verdict.rawValue)
    html.markup(#"">"#)
    html.text(report.verdict.rawValue)
    html.markup("</p></header>")
    let findings = report.findings
    guard !findings.isEmpty else { return }
    html.markup(#"<ul class="findings">"#)
    for finding in findings {
      html.markup(#"<li class=""#)
      html.text(finding.severity.verdict.rawValue)
      html.markup(#"">"#)
      html.text(finding.sentence)
      html.markup(#" <span class="quiet">"#)
      html.text(finding.remedy)
      html.markup("</span></li>")
    }
    html.markup("</ul>")
  }

  private mutating func appendDeliveries() {
    html.markup("<section><h2>")
    html.text("Deliveries of the last \(HourlyCounts.hoursKept) hours")
    html.markup("</h2>")
    DeliveriesChart(report.hours).append(to: &html)
    if !report.isHistoryComplete { html.note("Still reading what the spool remembers.") }
    html.note(
      "Stored ones are counted from the spool's memory too; refused ones since the start, "
        + "\(inUTC(report.startedAt.seconds)).")
    html.markup("</section>")
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
      return html.note("The events have not been counted yet.")
    }
    html.table(
      ["State", "Events", "Oldest"],
      EventState.allCases.map { state in
        [
          state.rawValue, "\(instance.view.states[state]?.count ?? 0)",
          instance.oldestAge(in: state, now: report.now).map(inWords) ?? "–",
        ]
      })
    html.note("Counted \(inWords(age)) ago.")
  }

  /// An event's kind says which hook takes it; a location of the web server need not name one.
  private mutating func appendHooks(of instance: Report.InstanceReport) {
    let last = report.lastStored(of: instance.name)
    func time(_ kind: Hook?) -> String? {
      last.first { $0.kind == kind }.map {
        "\(inUTC($0.time.seconds)), \(inWords(report.now.seconds - $0.time.seconds)) ago"
      }
    }
    func answers(_ hook: Hook?) -> String? {
      let counts = report.deliveries.deliveries.inOrder
        .filter { $0.labels.instance == instance.name && $0.labels.hook == hook }
        .map { "\($0.count.number) \($0.labels.answer.codeWord)" }
      return counts.isEmpty ? nil : counts.joined(separator: ", ")
    }
    var rows = Hook.allCases.map { [$0.rawValue, time($0) ?? "–", answers($0) ?? "–"] }
    if let time = time(nil) { rows.append(["another kind", time, "–"]) }
    if let answers = answers(nil) { rows.append(["no hook named", "–", answers]) }
    html.table(["Hook", "Last stored", "Since the start"], rows, isWide: true)
  }

  private mutating func appendKeys(of instance: Report.InstanceReport) {
    html.table(
      ["Key", "Type", "Algorithms"],
      instance.instance.keys.map { key in
        [
          key.thumbprint.text, key.typeName,
          key.algorithms.map(\.rawValue).sorted().joined(separator: ", "),
        ]
      }, isWide: true)
    if let keys = instance.keys { html.note("Keys read \(inUTC(keys.loadedAt.seconds)).") }
  }

  private mutating func appendDead(of instance: Report.InstanceReport) {
    guard !instance.view.dead.isEmpty else { return }
    html.table(
      ["Given up", "Reason", "What it said"],
      instance.view.dead.map { entry, record in
        [
          entry.summary.map { "\($0.kind)/\($0.claimID) \($0.idPrefix)" } ?? entry.fileName,
          record?.shortReason ?? unknownReason, record?.shortOutput ?? "",
        ]
      }, isWide: true)
  }

  // MARK: The process

  private mutating func appendRecent() {
    html.markup("<section><h2>Last decisions</h2>")
    let recent = report.deliveries.recent.newestFirst
    if recent.isEmpty {
      html.note("None since the start.")
    } else {
      html.table(
        ["Time", "Code", "Event", "From", "µs"],
        recent.map { entry in
          [
            inUTC(entry.decidedAt.seconds), entry.answer.codeWord,
            entry.event.map { "\($0.subject) \($0.id.hex.prefix(12))" }
              ?? entry.keptAs.map { "kept as \($0)" } ?? "–",
            entry.remoteAddress, "\(entry.microseconds)",
          ]
        }, isWide: true)
    }
    html.markup("</section>")
  }

  private mutating func appendProcess() {
    html.markup("<footer><p>")
    let values = report.values
    html.text(
      "Version \(programVersion), started \(inUTC(report.startedAt.seconds)). "
        + "Workers: \(values.busyWorkers) busy, \(values.mostBusyWorkers) at most so far, "
        + "\(report.workersLimit) allowed. Connections: \(report.openConnections) of "
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
}

/// `2026-11-27 06:12:03 UTC`
func inUTC(_ seconds: Int64) -> String {
  let text = CalendarDate(secondsSince1970: seconds).rfc3339
  return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC"
}
