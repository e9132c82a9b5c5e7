internal import EventSpool
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

  /// - Throws: a `ConfigurationError` or a `SpoolSetupError`, for the operator.
  init(configurationPath: String, log: Log) throws {
    self.configurationPath = configurationPath
    self.log = log
    let configuration = try Configuration(file: configurationPath)
    spoolPath = configuration.settings.spool
    let spools = try Self.openSpools(of: configuration, in: spoolPath, keeping: [:])
    current = Mutex(Snapshot(configuration: configuration, spools: spools))
    for warning in configuration.warnings { log.write(.warning, warning) }
  }

  var snapshot: Snapshot { current.withLock { $0 } }

  /// Reads configuration and keys again. What is wrong keeps all that was in force.
  func reload() {
    do {
      let old = snapshot
      let configuration = try Configuration(file: configurationPath)
      warnOfWhatNeedsRestart(from: old.configuration.settings, to: configuration.settings)
      let spools = try Self.openSpools(of: configuration, in: spoolPath, keeping: old.spools)
      current.withLock { $0 = Snapshot(configuration: configuration, spools: spools) }
      log.write(.notice, "reloaded config=\(Log.quoted(configurationPath))")
      for warning in configuration.warnings { log.write(.warning, warning) }
    } catch {
      log.write(.error, "reload failed, the old configuration stays in force: \(error)")
    }
  }

  private func warnOfWhatNeedsRestart(from old: Settings, to new: Settings) {
    if new.spool != spoolPath { log.write(.warning, "a change of spool needs a restart") }
    if old.workers != new.workers { log.write(.warning, "a change of workers needs a restart") }
  }

  private static func openSpools(
    of configuration: Configuration, in spool: String,
    keeping old: [InstanceName: InstanceSpool]
  ) throws(SpoolSetupError) -> [InstanceName: InstanceSpool] {
    var spools: [InstanceName: InstanceSpool] = [:]
    for instance in configuration.instances {
      if let open = old[instance.name] {
        spools[instance.name] = open
      } else {
        spools[instance.name] = try InstanceSpool.open(instance.name, in: spool)
      }
    }
    return spools
  }

  /// Makes the spools' memory of what was published durable, before the process ends.
  func syncMemory() {
    for spool in snapshot.spools.values {
      do throws(SpoolFailure) {
        try spool.syncMemory()
      } catch {
        log.write(.error, "an event may be stored a second time: \(error)")
      }
    }
  }
}
