package import ArgumentParser
internal import LinuxSystem
package import WebhookConfiguration

/// Which configuration a command works with.
package struct ConfigurationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The configuration (default: $\(Settings.pathVariable), else \(Settings.defaultPath)).",
      valueName: "file"),
    completion: .file())
  package var config: String?

  package init() {}

  package var path: String {
    Settings.path(
      option: config, variable: Environment.ofProcess()[Settings.pathVariable])
  }

  package func settings() throws(ConfigurationError) -> Settings { try Settings(file: path) }

  /// The settings and every key.
  package func loaded() throws(ConfigurationError) -> Configuration {
    try Configuration(file: path)
  }
}
