internal import ServiceProcess
internal import Testing

struct MetricsTextTests {
  @Test func metricHasItsHelpItsTypeAndASampleALine() {
    var text = MetricsText()
    text.append(
      .spoolEvents,
      [
        .init(2, [("spool", "/a"), ("state", "new")]),
        .init(-3, [("spool", "/a"), ("state", "cur")]),
      ])
    #expect(
      text.text == """
        # HELP delve_webhook_spool_events Events in a state's folder
        # TYPE delve_webhook_spool_events gauge
        delve_webhook_spool_events{spool="/a",state="new"} 2
        delve_webhook_spool_events{spool="/a",state="cur"} -3

        """)
  }

  @Test func metricWithoutSamplesIsNotWritten() {
    var text = MetricsText()
    text.append(.spoolOldestAge, [])
    #expect(text.text == "")
  }

  @Test func labelsValueIsEscaped() {
    var text = MetricsText()
    text.append(.spoolFreeBytes, [.init(1, [("spool", "/a\\b\"c\nd é")])])
    #expect(text.text.hasSuffix(#"{spool="/a\\b\"c\nd é"} 1"# + "\n"))
  }

  /// The text format's rules (prometheus.io, "Exposition formats").
  @Test(arguments: Metric.allCases)
  func rowIsOneThatPrometheusTakes(metric: Metric) {
    #expect(metric.rawValue.wholeMatch(of: /delve_webhook_[a-z_]+/) != nil)
    #expect(metric.rawValue.hasSuffix("_total") == (metric.facts.kind == .counter))
    #expect(!metric.facts.help.isEmpty && !metric.facts.help.hasSuffix("."))
    #expect(metric.facts.help.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x5C })
  }
}
