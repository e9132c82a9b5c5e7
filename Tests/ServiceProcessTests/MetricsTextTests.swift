internal import ServiceProcess
internal import Testing
internal import WebhookCore

struct MetricsTextTests {
  @Test func metricHasItsHelpItsTypeAndASampleALine() {
    var text = MetricsText()
    text.append(
      .spoolEvents,
      [
        .init(2, [("spool", "/a"), ("state", "new")]),
        .init(-3, [("spool", "/a"), ("state", "cur")]),
      ])
    text.append(.deliveries, [.init(7, [("code", "stored")])])
    text.append(.key, [.init(1, [("instance", "acme")])])
    text.finish()
    #expect(
      text.text == """
        # HELP delve_webhook_spool_events Events in a state's folder
        # TYPE delve_webhook_spool_events gauge
        delve_webhook_spool_events{spool="/a",state="new"} 2
        delve_webhook_spool_events{spool="/a",state="cur"} -3
        # HELP delve_webhook_deliveries_total Deliveries by their answer's code word
        # TYPE delve_webhook_deliveries_total counter
        delve_webhook_deliveries_total{code="stored"} 7
        # HELP delve_webhook_key_info Keys in force
        # TYPE delve_webhook_key_info gauge
        delve_webhook_key_info{instance="acme"} 1

        """)
  }

  /// OpenMetrics 1.0: a counter's family is named without its suffix, and says when it began.
  @Test func openMetricsNamesFamiliesUnitsAndBeginnings() {
    var text = MetricsText(
      .openMetrics(created: MetricValue(Timestamp(seconds: 1_700_000_000, milliseconds: 250))))
    text.append(.receivedBytes, [.init(5)])
    text.append(.key, [.init(1, [("instance", "acme")])])
    text.finish()
    #expect(
      text.text == """
        # HELP delve_webhook_received_bytes Bytes that web servers sent, as FastCGI records
        # TYPE delve_webhook_received_bytes counter
        # UNIT delve_webhook_received_bytes bytes
        delve_webhook_received_bytes_total 5
        delve_webhook_received_bytes_created 1700000000.25
        # HELP delve_webhook_key Keys in force
        # TYPE delve_webhook_key info
        delve_webhook_key_info{instance="acme"} 1
        # EOF

        """)
  }

  /// A parser that goes by the letter of OpenMetrics takes nothing else.
  @Test func whatHasTheSameLabelsStandsTogether() {
    var text = MetricsText(.openMetrics(created: MetricValue(5)))
    text.append(.reloads, [.init(1, [("result", "done")]), .init(2, [("result", "failed")])])
    #expect(
      text.text.split(separator: "\n").dropFirst(2) == [
        #"delve_webhook_reloads_total{result="done"} 1"#,
        #"delve_webhook_reloads_created{result="done"} 5"#,
        #"delve_webhook_reloads_total{result="failed"} 2"#,
        #"delve_webhook_reloads_created{result="failed"} 5"#,
      ])
  }

  @Test func histogramsBucketsAddUp() {
    var histogram = Histogram()
    for time in [100, 101, 2_000, 20_000_000] as [Int64] { histogram.add(microseconds: time) }
    var text = MetricsText()
    text.append(.publishingTime, histogram)
    let lines = text.text.split(separator: "\n").dropFirst(2)
    func line(_ bound: String) -> Substring? { lines.first { $0.contains("le=\"\(bound)\"") } }
    #expect(line("0.0001")?.hasSuffix(" 1") == true)
    #expect(line("0.00025")?.hasSuffix(" 2") == true)
    #expect(line("10.0")?.hasSuffix(" 3") == true)
    #expect(line("+Inf")?.hasSuffix(" 4") == true)
    #expect(
      lines.suffix(2) == [
        "delve_webhook_publishing_seconds_sum 20.002201",
        "delve_webhook_publishing_seconds_count 4",
      ])
  }

  @Test(arguments: [
    (0, "0.0"), (1, "0.000001"), (1_500_000, "1.5"), (-250_000, "-0.25"), (60_000_000, "60.0"),
  ])
  func secondsHaveNoNeedlessDigits(microseconds: Int64, text: String) {
    #expect("\(MetricValue(microseconds: microseconds))" == text)
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
    #expect(metric.rawValue.hasSuffix("_info") == (metric.facts.kind == .info))
    #expect(!metric.facts.help.isEmpty && !metric.facts.help.hasSuffix("."))
    #expect(metric.facts.help.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x5C })
  }
}
