internal import EventSpool
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// What the program does and what lies in the spool, at one moment: what every form of it shows.
struct Report {
  let now: Timestamp
  let startedAt: Timestamp
  let minimumFreeBytes: Int
  let workersLimit: Int
  let spoolPath: String
  let instances: [InstanceReport]
  let values: Counters.Values
  /// Of the instances that are shown, and with what the spool remembers.
  let deliveries: Counts
  /// Whether all of that has been read yet.
  let isHistoryComplete: Bool
  let reloads: ReloadFacts
  let free: (bytes: Int, inodes: Int)?
  /// For how long the spool's disk has not answered; nil if it has.
  let silence: Duration?
  let openConnections: Int
  let connectionsLimit: Int
  let waitingRequests: Int
  let overdueRequests: Int
  let lostLogLines: Int
  let lastLostLogLine: Timestamp?
  /// What is not well, the worst first.
  private(set) var findings: [Finding] = []

  /// - Parameter instances: those that are shown, of the configuration in force.
  init(of observer: Observer, _ instances: [Instance]) {
    let snapshot = observer.current.value
    let reloads = observer.current.reloadFacts
    let view = observer.watch.value
    let (problems, silence) = observer.check.now()
    let names = Set(instances.map(\.name))
    let values = observer.counters.values
    var deliveries = values.deliveries
    deliveries.keepOnly(names)
    for (name, instance) in view.instances where names.contains(name) {
      if let history = instance.history { deliveries.add(history) }
    }
    now = .now()
    startedAt = observer.counters.startedAt
    minimumFreeBytes = snapshot.settings.minimumFreeBytes
    workersLimit = observer.workersLimit
    spoolPath = snapshot.spoolPath
    self.instances = instances.map { instance in
      InstanceReport(
        instance: instance, view: view.instances[instance.name] ?? SpoolWatch.InstanceView(),
        problem: problems?[instance.name],
        isUsable: problems.map { $0[instance.name] == nil } ?? false,
        isClosed: snapshot.spools[instance.name]?.isClosed ?? false,
        keys: reloads.keys[instance.name],
        newKeys: (reloads.newKeys[instance.name] ?? []).filter { key in
          !instance.keys.contains { $0.thumbprint == key }
        })
    }
    self.values = values
    self.deliveries = deliveries
    isHistoryComplete = self.instances.allSatisfy { $0.view.history != nil }
    self.reloads = reloads
    free = view.free
    self.silence = problems == nil ? silence : nil
    openConnections = observer.connections.count
    connectionsLimit = observer.connections.maximum
    (waitingRequests, overdueRequests) = observer.connections.countWaitingAndOverdue(now: .now)
    (lostLogLines, lastLostLogLine) = Log.losses
    findings = allFindings()
  }

  struct InstanceReport {
    let instance: Instance
    let view: SpoolWatch.InstanceView
    /// What keeps its spool from taking an event.
    let problem: SpoolError?
    let isUsable: Bool
    /// A failed sync does.
    let isClosed: Bool
    let keys: ReloadFacts.Keys?
    /// Those that the instance served lately, and that are not configured.
    let newKeys: [Thumbprint]

    var name: InstanceName { instance.name }

    /// Of the oldest event in a state, in seconds; nil if there is none, or nobody has looked.
    func oldestAge(in state: EventState, now: Timestamp) -> Int64? {
      view.states[state]?.oldestSeconds.map { max(0, now.seconds - $0) }
    }

    func lookAge(now: Timestamp) -> Int64? {
      view.lookedAt.map { max(0, now.seconds - $0.seconds) }
    }
  }

  /// The last hours, the oldest first.
  var hours: [HourReport] {
    let last = HourlyCounts.hour(of: now.seconds)
    return (last - Int64(HourlyCounts.hoursKept) + 1...last).map {
      HourReport(start: $0 * 3_600, deliveries.hours.hours[$0] ?? [:])
    }
  }

  /// When an event of each kind was last stored, in the order of the kinds.
  func lastStored(of name: InstanceName) -> [(kind: Hook?, time: Timestamp)] {
    Hook?.all.compactMap { kind in
      // A clock that was ahead once must not hide that nothing has come since.
      deliveries.lastStored[StoredKind(instance: name, kind: kind)].map { (kind, earlier($0, now)) }
    }
  }
}

/// The deliveries of one hour, of all instances that are shown.
struct HourReport {
  /// Seconds since 1970.
  let start: Int64
  /// In the order of the kinds, all of them.
  let stored: [(kind: Hook?, count: Int)]
  let refused: Int

  init(start: Int64, _ counts: [HourlyCounts.Column: Int]) {
    var stored: [Hook?: Int] = [:]
    var refused = 0
    for (column, count) in counts {
      switch column {
      case .stored(let kind): stored[kind.kind, default: 0] += count
      case .refused: refused += count
      }
    }
    self.start = start
    self.stored = Hook?.all.map { ($0, stored[$0] ?? 0) }
    self.refused = refused
  }

  /// Stored ones by kind, then the refused.
  var parts: [(name: String, count: Int)] {
    stored.map { ($0.kind.kindName, $0.count) } + [("refused", refused)]
  }

  var all: Int { stored.reduce(refused) { $0 + $1.count } }
}
