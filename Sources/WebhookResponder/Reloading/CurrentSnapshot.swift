internal import ServiceProcess
internal import Synchronization
internal import WebhookConfiguration
internal import WebhookCore

/// The snapshot in force, for all threads. Only `Reloading` replaces it.
final class CurrentSnapshot: Sendable {
  private let log: Log
  private let configurationPath: String
  /// As they were at the start.
  private let settingsAtStart: Settings
  private let current: Mutex<Snapshot>
  private let isReloadRequested = Atomic(false)

  init(
    configurationPath: String, log: Log, opensSpoolsAsTheyAre: Bool = false
  ) throws(SnapshotError) {
    self.configurationPath = configurationPath
    self.log = log
    let snapshot = try Snapshot(
      configurationPath: configurationPath, opensSpoolsAsTheyAre: opensSpoolsAsTheyAre)
    settingsAtStart = snapshot.settings
    current = Mutex(snapshot)
    warn(of: snapshot.configuration)
  }

  var value: Snapshot { current.withLock { $0 } }

  /// Has configuration and keys read again within a second. Any thread may.
  func requestReload() { isReloadRequested.store(true, ordering: .releasing) }

  /// - Returns: whether it was requested since the last call.
  func takeReloadRequest() -> Bool {
    isReloadRequested.exchange(false, ordering: .acquiringAndReleasing)
  }

  /// Reads configuration and keys again. If something is wrong, all that was in force stays.
  /// - Returns: whether it could be read.
  func reload() -> Bool {
    do throws(SnapshotError) {
      let new = try Snapshot(configurationPath: configurationPath, replacing: value)
      for key in new.settings.keysThatNeedRestart(since: settingsAtStart) {
        log.write(.warning, "a change of \(key.rawValue) needs a restart")
      }
      current.withLock { $0 = new }
      log.write(.notice, "reloaded", ["config": .text(configurationPath)])
      warn(of: new.configuration)
      return true
    } catch {
      log.write(
        .error, "reload failed, the old configuration stays in force: \(error.message)")
      return false
    }
  }

  /// Reads the key files again. If something is wrong, its instance's old keys stay.
  func reloadKeys() {
    let old = value
    let (configuration, errors) = old.configuration.readingKeysAgain()
    current.withLock { $0 = Snapshot(configuration, replacing: old) }
    for error in errors {
      log.write(.error, "a key file changed, its instance's old keys stay in force: \(error)")
    }
    let thumbprints = configuration.instances.flatMap(\.keys).map(\.thumbprint.text)
    log.write(.notice, "keys in force: \(thumbprints.joined(separator: " "))")
    warn(of: configuration)
  }

  private func warn(of configuration: Configuration) {
    for warning in configuration.warnings { log.write(.warning, warning) }
  }
}
