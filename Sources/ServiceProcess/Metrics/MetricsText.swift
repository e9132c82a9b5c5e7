/// Metrics in the text format of Prometheus (version 0.0.4), as its textfile collector and its
/// scrapers read them.
package struct MetricsText: Sendable {
  package struct Sample: Sendable {
    fileprivate let labels: [(name: String, value: String)]
    fileprivate let value: Int64

    /// - Parameter labels: their names are ours: letters, digits and `_`. Their values may be any
    ///   text.
    package init(_ value: some BinaryInteger, _ labels: [(name: String, value: String)]) {
      (self.labels, self.value) = (labels, Int64(clamping: value))
    }
  }

  /// Whole lines.
  package private(set) var text = ""

  package init() {}

  /// Writes what a metric is, and its samples, each of which has other labels. A metric is written
  /// once; one without samples is not written.
  package mutating func append(_ metric: Metric, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    let (name, facts) = (metric.rawValue, metric.facts)
    text += "# HELP \(name) \(facts.help)\n# TYPE \(name) \(facts.kind.rawValue)\n"
    for sample in samples {
      let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }
      text += "\(name){\(labels.joined(separator: ","))} \(sample.value)\n"
    }
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
