internal import EventSpool
internal import WebhookConfiguration
internal import WebhookCore

/// What a request is decided by: the configuration in force and the spools. Swapped whole, so that
/// no request sees half of a change.
struct Snapshot: Sendable {
  let configuration: Configuration
  let spools: [InstanceName: InstanceSpool]
  /// The spools' folder, which stays what it was at the start.
  let spoolPath: String

  var settings: Settings { configuration.settings }

  /// Reads configuration and keys, and opens the spools.
  /// - Parameters:
  ///   - old: its spools stay open.
  ///   - opensSpoolsAsTheyAre: without trying them out, as a process for one request does.
  init(
    configurationPath: String, replacing old: Snapshot? = nil, opensSpoolsAsTheyAre: Bool = false
  ) throws(SnapshotError) {
    do throws(ConfigurationError) {
      configuration = try Configuration(file: configurationPath)
    } catch {
      throw .configuration(error)
    }
    var spools: [InstanceName: InstanceSpool] = [:]
    let path = old?.spoolPath ?? configuration.settings.spool
    for instance in configuration.instances {
      do throws(SpoolError) {
        spools[instance.name] =
          if let open = old?.spools[instance.name], Self.isInPlace(open) {
            open
          } else if opensSpoolsAsTheyAre {
            try .openAsItIs(instance.name, in: path)
          } else { try .open(instance.name, in: path) }
      } catch {
        throw .spool(error)
      }
    }
    self.spools = spools
    spoolPath = path
  }

  private static func isInPlace(_ spool: InstanceSpool) -> Bool {
    (try? spool.requireInPlace()) != nil
  }

  /// Whether other folders, or none, lie at the paths of those that are open.
  var hasMovedSpools: Bool { !spools.values.allSatisfy(Self.isInPlace) }

  /// The same, with those spools opened again whose folders were moved away.
  func reopeningMovedSpools() throws(SpoolError) -> Snapshot {
    var spools = spools
    for (name, spool) in spools where !Self.isInPlace(spool) {
      spools[name] = try .open(name, in: spoolPath)
    }
    return Snapshot(configuration, spools, spoolPath)
  }

  private init(
    _ configuration: Configuration, _ spools: [InstanceName: InstanceSpool], _ spoolPath: String
  ) {
    (self.configuration, self.spools, self.spoolPath) = (configuration, spools, spoolPath)
  }

  /// The same with other keys.
  init(_ configuration: Configuration, replacing old: Snapshot) {
    self.init(configuration, old.spools, old.spoolPath)
  }
}

/// Why there is no configuration to serve by: a sentence for the operator, and what a delivery is
/// answered meanwhile.
enum SnapshotError: Error {
  case configuration(ConfigurationError)
  case spool(SpoolError)

  var message: String {
    switch self {
    case .configuration(let error): error.description
    case .spool(let error): "spool: \(error.explanation)"
    }
  }

  var refusal: Refusal {
    switch self {
    case .configuration: Refusal(.misconfigured)
    case .spool(let error): error.refusal
    }
  }
}
