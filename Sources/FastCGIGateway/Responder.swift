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
  private let current: Mutex<Snapshot>

  /// - Throws: a `ConfigurationError` or a `SpoolSetupError`, for the operator.
  init(configurationPath: String, log: Log) throws {
    self.configurationPath = configurationPath
    self.log = log
    let configuration = try Configuration(file: configurationPath)
    let spools = try Self.openSpools(of: configuration, keeping: [:])
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
      let spools = try Self.openSpools(
        of: configuration, in: old.configuration.settings.spool, keeping: old.spools)
      current.withLock { $0 = Snapshot(configuration: configuration, spools: spools) }
      log.write(.notice, "reloaded config=\(Log.quoted(configurationPath))")
      for warning in configuration.warnings { log.write(.warning, warning) }
    } catch {
      log.write(.error, "reload failed, the old configuration stays in force: \(error)")
    }
  }

  private func warnOfWhatNeedsRestart(from old: Settings, to new: Settings) {
    if old.spool != new.spool { log.write(.warning, "a change of spool needs a restart") }
    if old.workers != new.workers { log.write(.warning, "a change of workers needs a restart") }
  }

  private static func openSpools(
    of configuration: Configuration, in spool: String? = nil,
    keeping old: [InstanceName: InstanceSpool]
  ) throws -> [InstanceName: InstanceSpool] {
    var spools: [InstanceName: InstanceSpool] = [:]
    for instance in configuration.instances {
      spools[instance.name] =
        try old[instance.name]
        ?? InstanceSpool.open(
          instance.name, in: spool ?? configuration.settings.spool,
          minimumFreeBytes: configuration.settings.minimumFreeBytes)
    }
    return spools
  }
}
