internal import EventSpool
internal import ServiceProcess
internal import Synchronization
internal import WebhookConfiguration
internal import WebhookCore

/// What the workers share: the configuration in force and the spools. Swapped whole, so that no
/// request sees half of a change.
final class Responder: Sendable {
  struct Snapshot: Sendable {
    let configuration: Configuration
    let spools: [InstanceName: InstanceSpool]
  }

  let log: Log
  private let configurationPath: String
  /// Stays as it was at start.
  private let spoolPath: String
  private let current: Mutex<Snapshot>
  private let isReloadRequested = Atomic(false)

  /// - Parameter opensSpoolsAsTheyAre: without trying them out, as a process for one request does.
  /// - Throws: a `ConfigurationError` or a `SpoolSetupError`, for the operator.
  init(configurationPath: String, log: Log, opensSpoolsAsTheyAre: Bool = false) throws {
    self.configurationPath = configurationPath
    self.log = log
    let configuration = try Configuration(file: configurationPath)
    spoolPath = configuration.settings.spool
    let spools = try Self.openSpools(
      of: configuration, in: spoolPath, keeping: [:], asTheyAre: opensSpoolsAsTheyAre)
    current = Mutex(Snapshot(configuration: configuration, spools: spools))
    for warning in configuration.warnings { log.write(.warning, warning) }
  }

  var snapshot: Snapshot { current.withLock { $0 } }

  /// Has configuration and keys read again, within a second, by the thread whose task that is.
  func requestReload() { isReloadRequested.store(true, ordering: .releasing) }

  /// - Returns: whether it was requested since the last call.
  func takeReloadRequest() -> Bool {
    isReloadRequested.exchange(false, ordering: .acquiringAndReleasing)
  }

  /// Reads configuration and keys again. What is wrong keeps all that was in force.
  /// - Returns: whether it could be read.
  func reload() -> Bool {
    do {
      let old = snapshot
      let configuration = try Configuration(file: configurationPath)
      warnOfWhatNeedsRestart(from: old.configuration.settings, to: configuration.settings)
      let spools = try Self.openSpools(of: configuration, in: spoolPath, keeping: old.spools)
      current.withLock { $0 = Snapshot(configuration: configuration, spools: spools) }
      log.write(.notice, "reloaded config=\(Log.quoted(configurationPath))")
      for warning in configuration.warnings { log.write(.warning, warning) }
      return true
    } catch {
      let reason = (error as? SpoolSetupError)?.message ?? "\(error)"
      log.write(.error, "reload failed, the old configuration stays in force: \(reason)")
      return false
    }
  }

  /// Reads the key files again. What is wrong keeps the old keys of its instance.
  func reloadKeys() {
    let old = snapshot
    let (configuration, errors) = old.configuration.readingKeysAgain()
    current.withLock { $0 = Snapshot(configuration: configuration, spools: old.spools) }
    for error in errors {
      log.write(.error, "a key file changed, its instance's old keys stay in force: \(error)")
    }
    let thumbprints = configuration.instances.flatMap(\.keys).map(\.thumbprint.text)
    log.write(.notice, "keys in force: \(thumbprints.joined(separator: " "))")
    for warning in configuration.warnings { log.write(.warning, warning) }
  }

  private func warnOfWhatNeedsRestart(from old: Settings, to new: Settings) {
    if new.spool != spoolPath { log.write(.warning, "a change of spool needs a restart") }
    if old.workers != new.workers { log.write(.warning, "a change of workers needs a restart") }
  }

  private static func openSpools(
    of configuration: Configuration, in spool: String,
    keeping old: [InstanceName: InstanceSpool], asTheyAre: Bool = false
  ) throws(SpoolSetupError) -> [InstanceName: InstanceSpool] {
    var spools: [InstanceName: InstanceSpool] = [:]
    for instance in configuration.instances {
      if let open = old[instance.name] {
        spools[instance.name] = open
      } else {
        spools[instance.name] =
          asTheyAre
          ? try InstanceSpool.openAsItIs(instance.name, in: spool)
          : try InstanceSpool.open(instance.name, in: spool)
      }
    }
    return spools
  }

  /// The work of the housekeeping thread once more, before the process ends: what was published
  /// stays known.
  func keepHouse() {
    for spool in snapshot.spools.values {
      var housekeeping = Housekeeping(of: spool)
      do throws(SpoolFailure) {
        try housekeeping.step(now: .now())
      } catch {
        log.write(.error, "an event may be stored a second time: \(error)")
      }
    }
  }
}
