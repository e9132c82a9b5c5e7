internal import WebhookConfiguration
internal import WebhookCore

/// What became of the reloads so far, and how the keys of each instance came into force.
struct ReloadFacts {
  struct Keys {
    /// When those in force were read.
    var loadedAt: Timestamp
    /// Why the files that are there now could not be used; nil if they are in force.
    var problem: String?
  }

  private(set) var done = 0
  private(set) var failed = 0
  private(set) var lastTriedAt: Timestamp?
  /// Why the last one failed; nil if it did not.
  private(set) var problem: String?
  private(set) var keys: [InstanceName: Keys] = [:]
  /// Since when each instance is served without a break: its numbers count from then on.
  private(set) var servedSince: [InstanceName: Timestamp] = [:]
  /// Those that each instance served when somebody looked last, and that were not configured then.
  private(set) var newKeys: [InstanceName: [Thumbprint]] = [:]

  init(_ settings: Settings, at now: Timestamp) {
    loadedAll(settings, at: now)
  }

  mutating func reloaded(_ settings: Settings, at now: Timestamp) {
    done += 1
    (lastTriedAt, problem) = (now, nil)
    loadedAll(settings, at: now)
  }

  mutating func failed(_ problem: String, at now: Timestamp) {
    failed += 1
    (lastTriedAt, self.problem) = (now, problem)
  }

  /// Key files were read again, without the configuration.
  mutating func readKeys(
    of settings: Settings, errors: [ConfigurationError], at now: Timestamp
  ) {
    for instance in settings.instances {
      if let error = errors.first(where: { instance.keyFiles.contains($0.file) }) {
        keys[instance.name]?.problem = error.description
      } else {
        keys[instance.name] = Keys(loadedAt: now)
      }
    }
  }

  mutating func found(_ newKeys: [InstanceName: [Thumbprint]]) { self.newKeys = newKeys }

  private mutating func loadedAll(_ settings: Settings, at now: Timestamp) {
    let servedBefore = servedSince
    (keys, servedSince) = ([:], [:])
    for instance in settings.instances {
      keys[instance.name] = Keys(loadedAt: now)
      servedSince[instance.name] = servedBefore[instance.name] ?? now
    }
  }
}
