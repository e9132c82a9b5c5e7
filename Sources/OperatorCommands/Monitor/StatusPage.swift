internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import StrictJSON
internal import WebhookCore

/// Reads the responder's status page, as its JSON says it.
struct StatusPage {
  private static let longestAgeSeconds: Int64 = 300

  private let page: JSONObject
  private let pageVerdict: Verdict
  private let pageInstances: [JSONObject]
  private let now: Timestamp

  /// Nil if it is none.
  init?(parsing bytes: [UInt8]) {
    guard let page = (try? JSONValue(parsing: bytes))?.object,
      let verdict = page["verdict"]?.text.flatMap(Verdict.init),
      let instances = page["instances"]?.array,
      let now = page["time"]?.string.flatMap(Timestamp.init(rfc3339:))
    else { return nil }
    self.page = page
    (pageVerdict, self.now) = (verdict, now)
    pageInstances = instances.compactMap(\.object)
  }

  var instanceNames: [String] { pageInstances.compactMap { $0["name"]?.text } }

  /// - Parameter instance: only this one's; nil: all.
  func spool(of instance: String?) -> WatchedSpool {
    let isHistoryRead = page["historyread"] != .boolean(false)
    let instances = pageInstances.compactMap { object -> WatchedSpool.Instance? in
      guard let name = object["name"]?.text, instance == nil || instance == name else { return nil }
      return WatchedSpool.Instance(
        name: name, states: states(in: object), silenceSeconds: silence(of: object),
        isHistoryRead: isHistoryRead)
    }
    return WatchedSpool(
      instances: instances, freeBytes: page["freebytes"]?.count,
      minimumFreeBytes: page["minimumfreebytes"]?.count,
      problems: problems(of: instance) + problemsOfPage(instances))
  }

  /// A page that a proxy has kept, or that shows nothing, tells nothing.
  private func problemsOfPage(_ instances: [WatchedSpool.Instance]) -> [PluginResult.Problem] {
    var problems: [PluginResult.Problem] = []
    let age = Timestamp.now().seconds - now.seconds
    if abs(age) > Self.longestAgeSeconds {
      problems.append(
        PluginResult.Problem(
          state: .unknown,
          sentence: "the status page is of \(now.rfc3339): by the clock here that is "
            + "\(Age(seconds: abs(age)).words) \(age > 0 ? "ago" : "ahead")",
          remedy: "look at both clocks, and at what may keep the page on its way"))
    }
    if instances.isEmpty {
      problems.append(
        PluginResult.Problem(
          state: .unknown, sentence: "the status page shows no instance",
          remedy: "look at DELVE_INSTANCE of its location"))
    }
    return problems
  }

  /// Nil if nobody has counted yet.
  private func states(in object: JSONObject) -> [EventState: WatchedSpool.Count]? {
    guard object["lookageseconds"]?.integer != nil, let states = object["states"]?.array else {
      return nil
    }
    var counts: [EventState: WatchedSpool.Count] = [:]
    for value in states {
      guard let state = value.object?["state"]?.text.flatMap(EventState.init),
        let events = value.object?["events"]?.count
      else { continue }
      counts[state] = WatchedSpool.Count(
        events: events, oldestAgeSeconds: value.object?["oldestageseconds"]?.count)
    }
    return counts.count == EventState.allCases.count ? counts : nil
  }

  private func silence(of object: JSONObject) -> Int64? {
    (object["laststored"]?.array ?? [])
      .compactMap { $0.object?["time"]?.string.flatMap(Timestamp.init(rfc3339:)) }
      .map { max(0, now.seconds - $0.seconds) }.min()
  }

  /// What the page found, but for what has limits of the monitor's own.
  private func problems(of instance: String?) -> [PluginResult.Problem] {
    let findings = (page["findings"]?.array ?? []).compactMap(\.object)
    guard !findings.isEmpty else {
      guard pageVerdict != .well else { return [] }
      return [
        PluginResult.Problem(
          state: state(of: pageVerdict), sentence: "the status page says \(pageVerdict.rawValue)")
      ]
    }
    return findings.compactMap { finding in
      let name = finding["instance"]?.text
      guard finding["subject"]?.text.flatMap(WatchedSubject.init) == nil,
        instance == nil || name == nil || instance == name
      else { return nil }
      return PluginResult.Problem(
        state: finding["severity"]?.text.flatMap(Verdict.init).map(state) ?? .unknown,
        sentence: finding["finding"]?.text ?? "the status page has a finding without a text",
        remedy: finding["remedy"]?.text)
    }
  }

  private func state(of verdict: Verdict) -> PluginState {
    switch verdict {
    case .well: .ok
    case .attention: .warning
    case .failing: .critical
    }
  }
}

extension JSONValue {
  fileprivate var text: String? { string.map { String(decoding: $0, as: UTF8.self) } }

  /// A number that can be added to others of its kind.
  fileprivate var count: Int64? {
    integer.flatMap { (0...Int64.max >> 16).contains($0) ? $0 : nil }
  }
}
