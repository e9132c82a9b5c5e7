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
    let settings = try Settings(file: path)
    let versions = KeyFileVersions(of: settings)
    var instances: [Instance] = []
    for instance in settings.instances { instances.append(try instance.loaded()) }
    self.init(settings: settings, instances: instances, keyFileVersions: versions)
  }

  private init(settings: Settings, instances: [Instance], keyFileVersions: KeyFileVersions) {
    (self.settings, self.instances, self.keyFileVersions) = (settings, instances, keyFileVersions)
  }

  /// The same settings with the keys as their files hold them now. An instance whose files cannot
  /// all be read keeps its old keys, and is named among the errors.
  package func readingKeysAgain() -> (Configuration, errors: [ConfigurationError]) {
    let versions = KeyFileVersions(of: settings)
    var errors: [ConfigurationError] = []
    // Both lists are in the order of the file.
    let instances = zip(settings.instances, self.instances).map { settings, old in
      do throws(ConfigurationError) {
        return try settings.loaded()
      } catch {
        errors.append(error)
        return old
      }
    }
    let configuration = Configuration(
      settings: settings, instances: instances, keyFileVersions: versions)
    return (configuration, errors)
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
  let text = try fileContents(path)
  do throws(KeyFileError) {
    return try KeyFile(parsing: text)
  } catch {
    throw ConfigurationError(file: path, line: nil, message: error.explanation)
  }
}
