package import WebhookCore

/// The settings together with the keys that they name: all that a request is decided by. A value,
/// swapped whole: no request sees half of a change.
package struct Configuration: Sendable {
  package let settings: Settings
  package let instances: [Instance]

  /// Each key of a JWK Set that cannot serve, as a sentence.
  private let skippedKeys: [String]

  /// The key files as they were just before they were read.
  package let keyFileVersions: FileVersions

  /// Reads the configuration file and every key file.
  package init(file path: String) throws(ConfigurationError) {
    try self.init(Settings(file: path))
  }

  /// Reads every key file.
  package init(_ settings: Settings) throws(ConfigurationError) {
    let versions = FileVersions(ofKeyFiles: settings)
    var instances: [Instance] = []
    var skippedKeys: [String] = []
    for instance in settings.instances {
      instances.append(try instance.loaded(skipping: &skippedKeys))
    }
    self.init(
      settings: settings, instances: instances, skippedKeys: skippedKeys,
      keyFileVersions: versions)
  }

  private init(
    settings: Settings, instances: [Instance], skippedKeys: [String],
    keyFileVersions: FileVersions
  ) {
    (self.settings, self.instances) = (settings, instances)
    (self.skippedKeys, self.keyFileVersions) = (skippedKeys, keyFileVersions)
  }

  /// The same settings with the keys as their files hold them now. An instance whose files cannot
  /// all be read keeps its old keys, and is named among the errors.
  package func readingKeysAgain() -> (Configuration, errors: [ConfigurationError]) {
    let versions = FileVersions(ofKeyFiles: settings)
    var errors: [ConfigurationError] = []
    var skippedKeys: [String] = []
    // Both lists are in the order of the file.
    let instances = zip(settings.instances, self.instances).map { settings, old in
      do throws(ConfigurationError) {
        return try settings.loaded(skipping: &skippedKeys)
      } catch {
        errors.append(error)
        return old
      }
    }
    let configuration = Configuration(
      settings: settings, instances: instances, skippedKeys: skippedKeys,
      keyFileVersions: versions)
    return (configuration, errors)
  }

  /// What an operator should know although the program can start.
  package var warnings: [String] {
    skippedKeys
      + instances.filter(\.usableAlgorithms.isEmpty).map {
        "instance \($0.name): none of its keys serves any of its algorithms, so every delivery is "
          + "refused as algorithm-not-allowed; compare algorithms with the types of the keys"
      }
  }
}

/// How many keys the files of one instance may hold together: a forged token is checked with each.
package let maximumKeysPerInstance = 32

extension InstanceSettings {
  /// The instance with its keys, read from their files.
  func loaded(skipping skipped: inout [String]) throws(ConfigurationError) -> Instance {
    var keys: [VerificationKey] = []
    for file in keyFiles {
      let content = try keyFile(at: file)
      keys += content.keys
      skipped += content.skipped.map {
        "\(file): key \($0.position) of the set is skipped: it \($0.reason.explanation)"
      }
    }
    guard keys.count <= maximumKeysPerInstance else {
      throw ConfigurationError(
        file: keyFiles[0], line: nil,
        message: "instance \(name): \(keys.count) keys in its files; allowed: 1 to "
          + "\(maximumKeysPerInstance)")
    }
    return Instance(
      name: name, url: url, keys: keys, algorithms: algorithms, xSignature: xSignature,
      audience: audience)
  }

  /// The keys in one of its files.
  package func keyFile(at path: String) throws(ConfigurationError) -> KeyFile {
    do throws(ConfigurationError) {
      return try readKeyFile(path)
    } catch  where error.isUnread {
      throw error.adding("keys of the instance \(name) names it")
    }
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
