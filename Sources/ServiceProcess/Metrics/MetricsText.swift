package import WebhookCore

/// Metrics in one of the two text formats that Prometheus reads.
package struct MetricsText: Sendable {
  package enum Format: Sendable {
    /// Prometheus' text format 0.0.4: also for node_exporter's textfile collector.
    case prometheus
    /// OpenMetrics 1.0.
    /// - Parameter created: when the counters began.
    case openMetrics(created: MetricValue)
  }

  package struct Sample: Sendable {
    package typealias Labels = [(name: String, value: String)]

    fileprivate let labels: Labels
    fileprivate let value: MetricValue

    /// - Parameter labels: their names are ours: letters, digits and `_`. Their values may be any
    ///   text.
    package init(_ value: MetricValue, _ labels: Labels = []) {
      (self.labels, self.value) = (labels, value)
    }

    package init(_ value: some BinaryInteger, _ labels: Labels = []) {
      self.init(MetricValue(value), labels)
    }
  }

  private let format: Format
  /// Whole lines.
  package private(set) var text = ""

  package init(_ format: Format = .prometheus) {
    self.format = format
  }

  /// Writes what a metric is, and its samples, each of which has other labels. A metric is written
  /// once; one without samples is not written.
  package mutating func append(_ metric: Metric, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    appendHead(of: metric)
    for sample in samples {
      append(metric.rawValue, sample.labels, sample.value)
      // Samples with the same labels stand together (OpenMetrics 1.0, "Metric").
      if case .openMetrics(let created) = format, metric.facts.kind == .counter {
        append("\(metric.family)_created", sample.labels, created)
      }
    }
  }

  /// Writes a histogram.
  package mutating func append(_ metric: Metric, _ histogram: Histogram) {
    appendHead(of: metric)
    let name = metric.rawValue
    var count = 0
    for (bound, number) in zip(Histogram.bounds, histogram.counts) {
      count += number
      append("\(name)_bucket", [("le", "\(MetricValue(microseconds: bound))")], MetricValue(count))
    }
    append("\(name)_bucket", [("le", "+Inf")], MetricValue(histogram.count))
    append("\(name)_sum", [], MetricValue(microseconds: histogram.microseconds))
    append("\(name)_count", [], MetricValue(histogram.count))
    if case .openMetrics(let created) = format { append("\(name)_created", [], created) }
  }

  /// To be called behind the last metric.
  package mutating func finish() {
    if case .openMetrics = format { text += "# EOF\n" }
  }

  private mutating func appendHead(of metric: Metric) {
    let facts = metric.facts
    switch format {
    case .prometheus:
      // The format has no info metrics: they are gauges.
      let kind = facts.kind == .info ? .gauge : facts.kind
      text +=
        "# HELP \(metric.rawValue) \(facts.help)\n# TYPE \(metric.rawValue) \(kind.rawValue)\n"
    case .openMetrics:
      text +=
        "# HELP \(metric.family) \(facts.help)\n# TYPE \(metric.family) \(facts.kind.rawValue)\n"
      if let unit = metric.unit { text += "# UNIT \(metric.family) \(unit)\n" }
    }
  }

  private mutating func append(_ name: String, _ labels: Sample.Labels, _ value: MetricValue) {
    let labels = labels.map { "\($0.name)=\"\(escaped($0.value))\"" }
    let list = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
    text += "\(name)\(list) \(value)\n"
  }
}

/// A whole number, or one with a fraction in millionths.
package struct MetricValue: Sendable, CustomStringConvertible {
  package let description: String

  package init(_ value: some BinaryInteger) {
    description = String(value)
  }

  /// In seconds. Without zeros behind the last digit.
  package init(microseconds: Int64) {
    let (seconds, rest) = microseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
    let sign = microseconds < 0 ? "-" : ""
    let digits = String(rest)
    let fraction = String(repeating: "0", count: 6 - digits.count) + digits
    description =
      "\(sign)\(seconds).\(fraction.prefix(1))" + Self.withoutZeros(fraction.dropFirst())
  }

  /// In seconds since 1970.
  package init(_ time: Timestamp) {
    let (microseconds, overflow) = time.millisecondsSince1970
      .multipliedReportingOverflow(by: 1_000)
    self.init(microseconds: overflow ? .max : microseconds)
  }

  private static func withoutZeros(_ digits: Substring) -> String {
    String(digits.reversed().drop { $0 == "0" }.reversed())
  }
}

/// A label's value as it stands between quotation marks.
private func escaped(_ value: String) -> String {
  value.unicodeScalars.map { scalar in
    switch scalar {
    case "\\": #"\\"#
    case "\"": #"\""#
    case "\n": #"\n"#
    default: String(scalar)
    }
  }.joined()
}
