internal import EventSpool
internal import WebhookConfiguration
internal import WebhookCore

/// Reads configuration and keys again: when SIGHUP asks for it, and keys when their files change,
/// however that is done. Reads the reports of new keys. Opens spools again that were moved away. `step`
/// is to be called about once a second, by one thread.
struct Reloading {
  private let current: CurrentSnapshot
  private let counters: Counters
  /// The key files as they were read last.
  private var loaded: FileVersions
  /// As they were at the last look.
  private var seen: FileVersions
  private var keyErrors: [ConfigurationError] = []
  private var spoolErrors: [InstanceName: SpoolError] = [:]
  /// The reports of new keys as they were read last; nil: not yet.
  private var reports: FileVersions?

  init(_ current: CurrentSnapshot, _ counters: Counters) {
    self.current = current
    self.counters = counters
    loaded = current.value.configuration.keyFileVersions
    seen = loaded
  }

  mutating func step() {
    spoolErrors = current.reopenMovedSpools(knownErrors: spoolErrors)
    if current.takeReloadRequest(), current.reload() {
      counters.keepOnly(Set(current.value.spools.keys))
      loaded = current.value.configuration.keyFileVersions
      keyErrors = []
    }
    let now = FileVersions(ofKeyFiles: current.value.settings)
    // Equal at two looks: a file that is rewritten in place is then whole.
    if now != loaded && now == seen {
      keyErrors = current.reloadKeys(knownErrors: keyErrors)
      // A file that could not be read may be as it is, and can be read later.
      if !keyErrors.contains(where: \.isUnread) { loaded = now }
    }
    seen = now
    let reports = FileVersions(ofKeyReports: current.value.settings)
    // They are replaced whole.
    if reports != self.reports {
      current.readKeyReports()
      self.reports = reports
    }
  }
}
