package import WebhookCore

/// The configuration file's content, checked; key files are named in it and not yet read.
package struct Settings: Equatable, Sendable {
  /// Absolute, or relative to where the program runs if the configuration's own path is.
  package let spool: String
  package let workers: Int
  package let minimumFreeBytes: Int
  /// A delivery that took so long leaves a warning; 0: none does.
  package let slowMilliseconds: Int
  /// How many refused requests are kept of each code word; 0: none are.
  package let keptRefused: Int
  /// The folder in which `delve-webhook keys fetch --check --report` says which keys are new.
  package let keyReports: String
  package let policy: DeliveryPolicy
  /// In the order of the file; at least one.
  package internal(set) var instances: [InstanceSettings]

  /// The same with this instance alone, if there is one of this name.
  package func only(_ name: some Sequence<UInt8>) -> Settings {
    var settings = self
    let found = instances.filter { $0.name.description.utf8.elementsEqual(name) }
    if !found.isEmpty { settings.instances = found }
    return settings
  }
}

package struct InstanceSettings: Equatable, Sendable {
  package let name: InstanceName
  package let url: String
  /// Absolute, or relative to where the program runs if the configuration's own path is. At least
  /// one.
  package let keyFiles: [String]
  package let algorithms: [SignatureAlgorithm]
  package let xSignature: XSignatureRule
  package let audience: [String]
}

extension [InstanceSettings] {
  /// Their key files, each once, in order.
  package var distinctKeyFiles: [String] {
    var seen: Set<String> = []
    return flatMap(\.keyFiles).filter { seen.insert($0).inserted }
  }
}

extension Settings {
  /// Where the configuration lies if nobody says otherwise.
  package static let defaultPath = "/etc/delve-webhook/config.yaml"

  /// Where the configuration lies: as an option says, or the environment, or at the default place.
  /// - Parameter variable: the value of `DELVE_WEBHOOK_CONFIG`.
  package static func path(option: String?, variable: String?) -> String {
    option ?? variable.flatMap { $0.isEmpty ? nil : $0 } ?? defaultPath
  }

  /// The environment's name for it.
  package static let pathVariable = "DELVE_WEBHOOK_CONFIG"

  /// Reads the file at `path`; relative paths in it are relative to it.
  package init(file path: String) throws(ConfigurationError) {
    try self.init(parsing: try Self.text(ofFile: path), file: path)
  }

  static func text(ofFile path: String) throws(ConfigurationError) -> [UInt8] {
    do throws(ConfigurationError) {
      return try fileContents(path)
    } catch  where error.isMissing {
      throw error.adding(
        "delve-webhook setup makes a configuration; --config or \(pathVariable) names another")
    }
  }

  package init(parsing text: [UInt8], file: String) throws(ConfigurationError) {
    let reading = SettingsReading(parsing: text, file: file)
    guard let settings = reading.settings else { throw reading.problems[0] }
    self = settings
  }

  /// Those keys whose change needs a restart, and that have changed since `old`.
  package func keysThatNeedRestart(since old: Settings) -> [SettingKey] {
    var keys: [SettingKey] = []
    if spool != old.spool { keys.append(.spool) }
    if workers != old.workers { keys.append(.workers) }
    return keys.filter { !$0.facts.isAppliedByReload }
  }
}
