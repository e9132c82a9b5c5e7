internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import WebhookCore

/// What a monitor knows of a spool, from the status page or from the spool itself.
struct WatchedSpool {
  struct Instance {
    let name: String
    /// Nil if nobody has counted yet.
    let states: [EventState: Count]?
    /// How long ago an event was last stored; nil if none is remembered.
    let silenceSeconds: Int64?
    /// Whether all that the spool remembers has been read.
    var isHistoryRead = true
  }

  struct Count {
    let events: Int64
    let oldestAgeSeconds: Int64?
  }

  let instances: [Instance]
  let freeBytes: Int64?
  /// With less, no event is stored; nil if that is not known.
  let minimumFreeBytes: Int64?
  /// What was found wrong by whoever looked.
  let problems: [PluginResult.Problem]
}

/// What is too much or too little: beyond it is a warning, or critical. Nil: nothing is.
struct MonitorLimits {
  struct Pair {
    var warning: Int64?
    var critical: Int64?

    /// What a value above the limits is.
    func state(of value: Int64) -> PluginState {
      if let critical, value > critical { return .critical }
      if let warning, value > warning { return .warning }
      return .ok
    }

    /// What a value below them is.
    func state(ofLow value: Int64) -> PluginState {
      if let critical, value < critical { return .critical }
      if let warning, value < warning { return .warning }
      return .ok
    }
  }

  var waitSeconds: Pair
  var dead: Pair
  var silenceSeconds: Pair
  var freeBytes: Pair
}

extension WatchedSpool {
  func result(under limits: MonitorLimits) -> PluginResult {
    var limits = limits
    // Without a byte nothing can be stored, whatever the minimum.
    limits.freeBytes.critical = limits.freeBytes.critical ?? max(1, minimumFreeBytes ?? 1)
    return PluginResult(
      problems: problems + instances.flatMap { $0.problems(under: limits) }
        + freeProblems(under: limits.freeBytes),
      summary: summary, metrics: metrics(limits))
  }

  private func freeProblems(under limits: MonitorLimits.Pair) -> [PluginResult.Problem] {
    guard let freeBytes else { return [] }
    let state = limits.state(ofLow: freeBytes)
    guard state != .ok else { return [] }
    let limit = (state == .critical ? limits.critical : limits.warning).map(words) ?? ""
    return [
      PluginResult.Problem(
        state: state,
        sentence: "\(words(bytes: freeBytes)) are free for the spool, less than \(limit)",
        remedy: "make room on its file system")
    ]
  }

  private var summary: String {
    let waiting = sum(of: EventState.waiting)
    let oldest = longestWait.map { ", oldest \(Age(seconds: $0).words)" } ?? ""
    let silence = shortestSilence.map { ", last delivery \(Age(seconds: $0).words) ago" } ?? ""
    let free = freeBytes.map { ", \(words(bytes: $0)) free" } ?? ""
    return "\(waiting) waiting\(oldest)\(silence)\(free)"
  }

  private func metrics(_ limits: MonitorLimits) -> [PluginResult.Metric] {
    let isCounted = instances.allSatisfy { $0.states != nil }
    let counts = EventState.allCases.map { state in
      let ofDead = state == .dead ? limits.dead : MonitorLimits.Pair()
      return PluginResult.Metric(
        label: state.rawValue, value: isCounted ? sum(of: [state]) : nil,
        warning: ofDead.warning.map { "\($0)" }, critical: ofDead.critical.map { "\($0)" })
    }
    return counts + [
      PluginResult.Metric(
        label: "oldest", value: isCounted ? longestWait ?? 0 : nil, unit: "s",
        warning: limits.waitSeconds.warning.map { "\($0)" },
        critical: limits.waitSeconds.critical.map { "\($0)" }),
      PluginResult.Metric(
        label: "silence",
        value: instances.allSatisfy { $0.silenceSeconds != nil }
          ? longestSilence : nil,
        unit: "s", warning: limits.silenceSeconds.warning.map { "\($0)" },
        critical: limits.silenceSeconds.critical.map { "\($0)" }),
      PluginResult.Metric(
        label: "free", value: freeBytes, unit: "B",
        warning: limits.freeBytes.warning.map { "\($0):" },
        critical: limits.freeBytes.critical.map { "\($0):" }),
    ]
  }

  private func sum(of states: [EventState]) -> Int64 {
    instances.reduce(0) { sum, instance in
      states.reduce(sum) { $0 + (instance.states?[$1]?.events ?? 0) }
    }
  }

  private var longestWait: Int64? { instances.compactMap { $0.longestWait?.seconds }.max() }
  private var longestSilence: Int64? { instances.compactMap(\.silenceSeconds).max() }
  private var shortestSilence: Int64? { instances.compactMap(\.silenceSeconds).min() }

  private func words(bytes: Int64) -> String { ByteSize(bytes: Int(bytes)).words }
}

extension WatchedSpool.Instance {
  fileprivate var longestWait: (seconds: Int64, state: EventState)? {
    EventState.waiting.compactMap { state in
      states?[state]?.oldestAgeSeconds.map { ($0, state) }
    }.max { $0.0 < $1.0 }
  }

  fileprivate func problems(under limits: MonitorLimits) -> [PluginResult.Problem] {
    guard let states else {
      return [.init(state: .unknown, sentence: "\(name): the events have not been counted yet")]
    }
    var problems: [PluginResult.Problem] = []
    func add(_ state: PluginState, _ sentence: String, _ remedy: String? = nil) {
      guard state != .ok else { return }
      problems.append(.init(state: state, sentence: "\(name): \(sentence)", remedy: remedy))
    }
    let dead = states[.dead]?.events ?? 0
    add(
      limits.dead.state(of: dead), "\(dead) \(dead == 1 ? "event was" : "events were") given up",
      "delve-webhook spool show says why, delve-webhook spool retry tries again")
    if let longestWait {
      add(
        limits.waitSeconds.state(of: longestWait.seconds),
        "an event in \(longestWait.state.rawValue) has waited for "
          + Age(seconds: longestWait.seconds).words,
        "look at what handles the events")
    }
    addSilence(limits.silenceSeconds, add)
    return problems
  }

  private func addSilence(
    _ limits: MonitorLimits.Pair, _ add: (PluginState, String, String?) -> Void
  ) {
    // Before that, the spool remembers nothing.
    let seconds = silenceSeconds ?? Freshness.memorySeconds
    let state = limits.state(of: seconds)
    guard state != .ok else { return }
    guard silenceSeconds != nil || isHistoryRead else {
      return add(.unknown, "the spool's memory of deliveries has not been read yet", nil)
    }
    add(
      state,
      silenceSeconds == nil
        ? "no delivery in the last \(Age(seconds: seconds).words)"
        : "the last delivery was \(Age(seconds: seconds).words) ago",
      "delve-webhook spool gaps shows since when; compare with what the API knows")
  }
}
