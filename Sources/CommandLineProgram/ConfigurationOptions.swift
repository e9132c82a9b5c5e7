package import ArgumentParser
internal import Glibc
package import WebhookConfiguration

/// Which configuration a command works with.
package struct ConfigurationOptions: ParsableArguments {
  @Option(
    help: "The configuration; default $DELVE_WEBHOOK_CONFIG, else \(Settings.defaultPath).")
  package var config: String?

  package init() {}

  package var path: String {
    config ?? getenv("DELVE_WEBHOOK_CONFIG").map { String(cString: $0) } ?? Settings.defaultPath
  }

  package func settings() throws(CommandFailure) -> Settings {
    do throws(ConfigurationError) {
      return try Settings(file: path)
    } catch {
      throw .configuration(error.description)
    }
  }

  /// The settings and every key.
  package func configuration() throws(CommandFailure) -> Configuration {
    do throws(ConfigurationError) {
      return try Configuration(file: path)
    } catch {
      throw .configuration(error.description)
    }
  }
}
