package import WebhookCore

/// The settings together with the keys that they name: all that a request is decided by. A value,
/// swapped whole: no request sees half of a change.
package struct Configuration: Sendable {
  package let settings: Settings
  package let instances: [Instance]

  /// The key files as they were just before they were read.
  package let keyFileVersions: KeyFileVersions

  /// Reads the configuration file and every key file.
  package init(file path: String) throws(ConfigurationError) {
    try self.init(settings: try Settings(file: path))
  }

  private init(settings: Settings) throws(ConfigurationError) {
    self.settings = settings
    keyFileVersions = KeyFileVersions(of: settings)
    var instances: [Instance] = []
    for instance in settings.instances { instances.append(try instance.loaded()) }
    self.instances = instances
  }

  /// The same settings with the keys as their files hold them now.
  package func readingKeysAgain() throws(ConfigurationError) -> Configuration {
    try Configuration(settings: settings)
  }

  /// What an operator should know although the program can start.
  package var warnings: [String] {
    instances.filter(\.usableAlgorithms.isEmpty).map {
      "instance \($0.name): none of its keys serves any of its algorithms, so every delivery is "
        + "refused as algorithm-not-allowed; compare algorithms with the types of the keys"
    }
  }
}

extension InstanceSettings {
  /// The instance with its keys, read from their files.
  func loaded() throws(ConfigurationError) -> Instance {
    var keys: [VerificationKey] = []
    for file in keyFiles { keys += try readKeyFile(file).keys }
    return Instance(
      name: name, url: url, keys: keys, algorithms: algorithms, xSignature: xSignature,
      audience: audience)
  }
}

/// The keys in the file at `path`.
package func readKeyFile(_ path: String) throws(ConfigurationError) -> KeyFile {
  let text: [UInt8]
  do throws(FileError) {
    text = try contents(ofFile: path)
  } catch {
    throw ConfigurationError(file: path, line: nil, message: error.message)
  }
  do throws(KeyFileProblem) {
    return try KeyFile(parsing: text)
  } catch {
    throw ConfigurationError(file: path, line: nil, message: error.explanation)
  }
}
