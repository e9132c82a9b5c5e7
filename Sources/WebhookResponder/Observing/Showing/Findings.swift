internal import EventSpool
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// Something that an operator should look at.
struct Finding {
  enum Severity {
    case attention, failing

    var verdict: Verdict {
      switch self {
      case .attention: .attention
      case .failing: .failing
      }
    }
  }

  let severity: Severity
  let sentence: String
  let remedy: String
  /// The instance that it is of; nil: of all.
  var instance: InstanceName? = nil
  var subject: WatchedSubject? = nil
}

extension Report {
  /// In one word.
  var verdict: Verdict { findings.map(\.severity.verdict).max() ?? .well }

  /// Found once: page, JSON and verdict show the same.
  func allFindings() -> [Finding] {
    (spoolFindings + keyFindings + newKeyFindings + processFindings + locationFindings
      + deliveryFindings
      + consumerFindings)
      .sorted { $0.severity.verdict > $1.severity.verdict }
  }

  private var spoolFindings: [Finding] {
    if let silence {
      return [
        Finding(
          severity: .failing,
          sentence: "The spool's disk has not answered for \(inWords(silence.components.seconds)).",
          remedy: "Look at the disk and the kernel's log.")
      ]
    }
    return instances.compactMap { instance in
      if let problem = instance.problem {
        return Finding(
          severity: .failing,
          sentence: "No event of \(instance.name) can be stored: \(problem.message).",
          remedy: sentence(problem.remedy), instance: instance.name)
      }
      if let failure = instance.view.failure ?? instance.view.historyFailure {
        return Finding(
          severity: .attention,
          sentence: "The events of \(instance.name) cannot be counted: \(failure.message).",
          remedy: sentence(failure.remedy), instance: instance.name)
      }
      return nil
    }
  }

  private var keyFindings: [Finding] {
    instances.compactMap { instance in
      if let problem = instance.keys?.problem {
        return Finding(
          severity: .attention,
          sentence: "The key files of \(instance.name) cannot be used: \(problem).",
          remedy:
            "The keys that were read before stay in force. Mend the file; nothing else is needed.",
          instance: instance.name)
      }
      guard instance.instance.usableAlgorithms.isEmpty else { return nil }
      return Finding(
        severity: .failing, sentence: "No key of \(instance.name) serves any of its algorithms.",
        remedy: "Compare algorithms in the configuration with the types of the keys.",
        instance: instance.name)
    }
  }

  private var newKeyFindings: [Finding] {
    instances.filter { !$0.newKeys.isEmpty }.map { instance in
      let keys = instance.newKeys.map(\.text).joined(separator: ", ")
      let isOne = instance.newKeys.count == 1
      return Finding(
        severity: .attention,
        sentence: isOne
          ? "\(instance.name) has a new key that is not configured: \(keys)."
          : "\(instance.name) has new keys that are not configured: \(keys).",
        remedy: "Compare the \(isOne ? "thumbprint" : "thumbprints") with the vendor's, then run "
          + "delve-webhook keys fetch \(instance.name).",
        instance: instance.name)
    }
  }

  private var processFindings: [Finding] {
    var findings: [Finding] = []
    if overdueRequests > 0 {
      let workers = overdueRequests == 1 ? "1 worker is" : "\(overdueRequests) workers are"
      findings.append(
        Finding(
          severity: .failing,
          sentence: "\(workers) stuck: requests are not answered in their ten seconds.",
          remedy: "Look at the disk and the kernel's log, then restart the responder."))
    }
    if waitingRequests > 0 && values.busyWorkers >= workersLimit {
      findings.append(
        Finding(
          severity: .attention,
          sentence: "All workers are busy, and \(waitingRequests) requests wait.",
          remedy: "If that lasts, raise workers, or look at the disk."))
    }
    if let problem = reloads.problem {
      findings.append(
        Finding(
          severity: .attention, sentence: "The last reload failed: \(problem).",
          remedy: "The configuration before it stays in force. Mend it and reload again."))
    }
    if let lastLoss = lastLostLogLine, now.seconds - lastLoss.seconds < 3_600 {
      findings.append(
        Finding(
          severity: .attention,
          sentence:
            "\(lostLogLines) lines of the log are lost since the start, some in the last hour.",
          remedy: "Look at what reads standard error, the journal in most cases."))
    }
    return findings
  }

  private var locationFindings: [Finding] {
    let times = deliveries.deliveries
      .filter { $0.key.answer == .refused(.misconfigured) }.map(\.value.last)
    guard let last = times.max(by: isEarlier), now.seconds - last.seconds < 3_600 else { return [] }
    return [
      Finding(
        severity: .attention,
        sentence: "A location of the web server names no instance or hook that is configured.",
        remedy: sentence(Refusal.Reason.misconfigured.facts.remedy ?? ""))
    ]
  }

  /// Of instances whose last delivery was refused because of its signature, its kind, or the clock.
  private var deliveryFindings: [Finding] {
    instances.compactMap { instance in
      let own = deliveries.deliveries.filter { $0.key.instance == instance.name }
      let suspicious = own.filter { $0.key.answer.isOfAGenuineSender }
      guard let worst = suspicious.max(by: { isEarlier($0.value.last, $1.value.last) }),
        now.seconds - worst.value.last.seconds < 86_400,
        let reason = worst.key.answer.reason
      else { return nil }
      let lastGood = own.filter { !$0.key.answer.isRefusal }.map(\.value.last).max(by: isEarlier)
      if let lastGood, isEarlier(worst.value.last, lastGood) { return nil }
      return Finding(
        severity: .attention,
        sentence: "The last delivery to \(instance.name) was refused: \(reason.codeWord).",
        remedy: sentence(reason.facts.remedy ?? reason.facts.sentence), instance: instance.name)
    }
  }

  private var consumerFindings: [Finding] {
    instances.flatMap { instance in
      var findings: [Finding] = []
      let waiting = EventState.waiting.compactMap {
        instance.oldestAge(in: $0, now: now)
      }.max()
      if let waiting, waiting > longestWaitSeconds {
        findings.append(
          Finding(
            severity: .attention,
            sentence: "An event of \(instance.name) has waited for \(inWords(waiting)).",
            remedy: "Look at what handles the events: delve-webhook spool list shows what waits.",
            instance: instance.name, subject: .waiting))
      }
      if let dead = instance.view.states[.dead]?.count, dead > 0 {
        findings.append(
          Finding(
            severity: .attention,
            sentence:
              "\(dead) \(dead == 1 ? "event" : "events") of \(instance.name) \(dead == 1 ? "was" : "were") given up.",
            remedy: "delve-webhook spool show says why; delve-webhook spool retry tries again.",
            instance: instance.name, subject: .dead))
      }
      return findings
    }
  }
}

extension DeliveryAnswer {
  fileprivate var reason: Refusal.Reason? {
    if case .refused(let reason) = self { reason } else { nil }
  }

  /// A sender with another key or clock, or with a changed payload, meets these. A stranger can cause
  /// some, too.
  fileprivate var isOfAGenuineSender: Bool {
    guard let reason, let step = reason.facts.step else { return false }
    return !step.isBeforeSignature
      || [.badSignature, .algorithmNotAllowed, .xSignatureMismatch, .missingXSignature]
        .contains(reason)
  }
}

private func isEarlier(_ one: Timestamp, _ other: Timestamp) -> Bool {
  one.millisecondsSince1970 < other.millisecondsSince1970
}

/// With a capital letter and a full stop.
private func sentence(_ text: String) -> String {
  text.prefix(1).uppercased() + text.dropFirst() + "."
}

/// For example `2 h 5 min`: the two largest units.
func inWords(_ seconds: Int64) -> String {
  let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
  var rest = max(0, seconds)
  var words: [String] = []
  for (size, name) in units {
    let number = rest / size
    rest %= size
    if number > 0 { words.append("\(number) \(name)") }
    if words.count == 2 || (words.count == 1 && number == 0) { break }
  }
  return words.isEmpty ? "0 s" : words.joined(separator: " ")
}
