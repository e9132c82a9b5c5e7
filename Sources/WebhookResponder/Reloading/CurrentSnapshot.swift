internal import EventSpool
internal import ServiceProcess
internal import Synchronization
internal import WebhookConfiguration
internal import WebhookCore

/// The snapshot in force, for all threads. Only `Reloading` replaces it.
final class CurrentSnapshot: Sendable {
  private let log: Log
  private let manager: ServiceManager
  private let configurationPath: String
  /// As they were at the start.
  private let settingsAtStart: Settings
  private let current: Mutex<Snapshot>
  private let facts: Mutex<ReloadFacts>
  private let startedAt = Timestamp.now()
  private let isReloadRequested = Atomic(false)

  init(
    configurationPath: String, log: Log, manager: ServiceManager,
    for request: RequestParameters? = nil
  ) throws(SnapshotError) {
    self.configurationPath = configurationPath
    self.log = log
    self.manager = manager
    let snapshot = try Snapshot(configurationPath: configurationPath, for: request)
    settingsAtStart = snapshot.settings
    current = Mutex(snapshot)
    facts = Mutex(ReloadFacts(snapshot.settings, at: startedAt))
    warn(of: snapshot.configuration)
  }

  var value: Snapshot { current.withLock { $0 } }

  /// What became of the reloads, and since when the keys are in force.
  var reloadFacts: ReloadFacts { facts.withLock { $0 } }

  /// Has configuration and keys read again within a second. Any thread may.
  func requestReload() { isReloadRequested.store(true, ordering: .releasing) }

  /// - Returns: whether it was requested since the last call.
  func takeReloadRequest() -> Bool {
    isReloadRequested.exchange(false, ordering: .acquiringAndReleasing)
  }

  /// A sentence for whoever asks the service manager how the program is.
  /// - Parameter result: what became of a reload that was just tried.
  func status(afterReload result: String? = nil) -> String {
    let names = value.settings.instances.map(\.name.description).joined(separator: ", ")
    let reload = result.map { "; last reload at \(Timestamp.now().rfc3339): \($0)" } ?? ""
    return "Serving \(names) since \(startedAt.rfc3339)\(reload)"
  }

  /// Reads configuration and keys again. If something is wrong, all that was in force stays.
  /// - Returns: whether it could be read.
  func reload() -> Bool {
    do throws(SnapshotError) {
      let new = try Snapshot(configurationPath: configurationPath, replacing: value)
      for key in new.settings.keysThatNeedRestart(since: settingsAtStart) {
        log.write(.warning, "a change of \(key.rawValue) needs a restart")
      }
      // In this order: what a new instance counts is younger than that.
      facts.withLock { $0.reloaded(new.settings, at: .now()) }
      current.withLock { $0 = new }
      log.write(.notice, "reloaded", ["config": .text(configurationPath)])
      warn(of: new.configuration)
      manager.notify(.status(status(afterReload: "done")))
      return true
    } catch {
      facts.withLock { $0.failed(error.message, at: .now()) }
      log.write(
        .error, "reload failed, the old configuration stays in force: \(error.message)")
      manager.notify(.status(status(afterReload: error.message)))
      return false
    }
  }

  /// Reads the key files again. If something is wrong, its instance's old keys stay.
  /// - Parameter knownErrors: those of the last try, which are in the log already.
  /// - Returns: what is wrong.
  func reloadKeys(knownErrors: [ConfigurationError]) -> [ConfigurationError] {
    let old = value
    let (configuration, errors) = old.configuration.readingKeysAgain()
    current.withLock { $0 = Snapshot(configuration, replacing: old) }
    facts.withLock { $0.readKeys(of: configuration.settings, errors: errors, at: .now()) }
    for error in errors where !knownErrors.contains(error) {
      log.write(.error, "a key file changed, its instance's old keys stay in force: \(error)")
    }
    func thumbprints(_ configuration: Configuration) -> [String] {
      configuration.instances.flatMap(\.keys).map(\.thumbprint.text)
    }
    let inForce = thumbprints(configuration)
    // While a file cannot be read, it is tried again and again.
    if !errors.isEmpty, errors == knownErrors, inForce == thumbprints(old.configuration) {
      return errors
    }
    log.write(.notice, "keys in force: \(inForce.joined(separator: " "))")
    warn(of: configuration)
    return errors
  }

  /// Reads what was last found of keys that are not configured, and warns of each once.
  func readKeyReports() {
    let snapshot = value
    let known = reloadFacts.newKeys
    var found: [InstanceName: [Thumbprint]] = [:]
    for instance in snapshot.configuration.instances {
      let path = KeyReport.path(of: instance.name, snapshot.settings)
      do throws(ConfigurationError) {
        found[instance.name] = try KeyReport(file: path)?.newKeys
      } catch {
        log.write(.warning, "what was found of new keys cannot be used: \(error)")
      }
      let configured = instance.keys.map(\.thumbprint)
      for key in found[instance.name] ?? []
      where !configured.contains(key) && known[instance.name]?.contains(key) != true {
        log.write(
          .warning,
          "a key of the instance is not configured: delve-webhook keys fetch \(instance.name)",
          ["instance": .text(instance.name.description), "key": .text(key.text)])
      }
    }
    facts.withLock { $0.found(found) }
  }

  /// Opens those spools again whose folders were moved away. As long as that fails, deliveries to
  /// them are refused.
  /// - Parameter knownErrors: those of the last try, which are in the log already.
  /// - Returns: why some could not be opened.
  func reopenMovedSpools(
    knownErrors: [InstanceName: SpoolError]
  ) -> [InstanceName: SpoolError] {
    let old = value
    guard old.hasMovedSpools else { return [:] }
    let (new, errors) = old.reopeningMovedSpools()
    current.withLock { $0 = new }
    for (name, spool) in new.spools where spool !== old.spools[name] {
      log.write(
        .notice, "opened the spool again: its folder had been moved away",
        ["instance": .text(name.description)])
    }
    for (name, error) in errors where error != knownErrors[name] {
      var line = LogLine(
        .error, "the spool's folder was moved away, and it cannot be opened again",
        ["instance": .text(name.description)])
      line.add(error.refusal)
      log.write(line)
    }
    return errors
  }

  private func warn(of configuration: Configuration) {
    for warning in configuration.warnings { log.write(.warning, warning) }
  }
}
