package import EventSpool
internal import ServiceProcess
package import WebhookCore

/// The programs that handle events, as the label `consumer` names them.
package enum Consumer: String, Sendable {
  case run, forward
  /// It tells somebody of those that were given up: that counts as handled.
  case dead

  var work: EventQueue.Work { self == .dead ? .telling : .handling }
}

/// What a program that drains the spool has done since it started, and what waits for it.
package struct ConsumerNumbers: Sendable {
  /// What is known of the events that are not handled yet.
  package enum Waiting: Equatable, Sendable {
    case unknown, none
    /// - Parameter seconds: since 1970, the oldest event's `iat`.
    case since(_ seconds: Int64)
  }

  package let consumer: Consumer
  /// The spool's path, as it was named.
  package let spool: String
  /// The only instance whose events it handles; nil: all.
  package let instance: String?
  package let start: Timestamp
  package var settled = SettledEvents.Counts()
  package var waiting = Waiting.unknown

  package init(_ consumer: Consumer, spool: String, instance: String?, start: Timestamp) {
    (self.consumer, self.spool) = (consumer, spool)
    (self.instance, self.start) = (instance, start)
  }

  /// In whole seconds; nil if it is not known, or there is none.
  private func oldestAge(_ now: Timestamp) -> Int64? {
    guard case .since(let seconds) = waiting else { return nil }
    return max(0, now.seconds - seconds)
  }

  /// For node_exporter.
  package func metrics(now: Timestamp) -> String {
    var labels = [("consumer", consumer.rawValue), ("spool", spool)]
    if let instance { labels.append(("instance", instance)) }
    var text = MetricsText()
    text.append(.consumerHandled, [.init(settled.handled, labels)])
    text.append(.consumerPutOff, [.init(settled.putOff, labels)])
    // Also those that did not happen: the first one is seen only if there was a 0 before.
    text.append(
      .consumerGivenUp,
      AttemptRecord.Ending.Kind.allCases.map {
        .init(settled.givenUp[$0, default: 0], labels + [("reason", $0.rawValue)])
      })
    if waiting != .unknown {
      text.append(.consumerOldestAge, [.init(oldestAge(now) ?? 0, labels)])
    }
    text.append(.consumerStart, [.init(MetricValue(start), labels)])
    text.append(.consumerReport, [.init(MetricValue(now), labels)])
    return text.text
  }

  /// For the service manager.
  /// - Parameter problem: what keeps events from being handled.
  package func sentence(_ problem: String?, now: Timestamp) -> String {
    let wait =
      switch (waiting, oldestAge(now)) {
      case (_, let age?): "; the oldest has waited \(Age(seconds: age).words)"
      case (.none, nil): "; none waits"
      case (_, nil): ""
      }
    return (problem.map { "Waiting: \($0); " } ?? "")
      + "\(settled.words(of: consumer)) since "
      + CalendarDate(secondsSince1970: start.seconds).rfc3339 + wait
  }
}

extension SettledEvents.Counts {
  /// For a person.
  func words(of consumer: Consumer) -> String {
    switch consumer.work {
    case .handling:
      "\(handled) handled, \(putOff) put off, \(givenUp.values.reduce(0, +)) given up"
    case .telling: "\(handled) told, \(putOff) put off"
    }
  }
}
