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
  ///   - request: nothing but what this one request needs: keys and spool of another instance do not
  ///     concern it, and nothing is tried out.
  init(
    configurationPath: String, replacing old: Snapshot? = nil, for request: RequestParameters? = nil
  ) throws(SnapshotError) {
    do throws(ConfigurationError) {
      var settings = try Settings(file: configurationPath)
      if let names = request?[.instance], names.count == 1 { settings = settings.only(names[0]) }
      configuration = try Configuration(settings)
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
          } else if request != nil {
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
  /// - Returns: also why one could not be: it stays as it is.
  func reopeningMovedSpools() -> (Snapshot, [InstanceName: SpoolError]) {
    var spools = spools
    var errors: [InstanceName: SpoolError] = [:]
    for (name, spool) in spools where !Self.isInPlace(spool) {
      do throws(SpoolError) {
        spools[name] = try .open(name, in: spoolPath)
      } catch {
        errors[name] = error
      }
    }
    return (Snapshot(configuration, spools, spoolPath), errors)
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
