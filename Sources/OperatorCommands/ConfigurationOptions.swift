internal import ArgumentParser
internal import Glibc
internal import WebhookConfiguration

/// Which configuration a command works with.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    help: "The configuration; default $DELVE_WEBHOOK_CONFIG, else \(Settings.defaultPath).")
  var config: String?

  var path: String {
    config ?? getenv("DELVE_WEBHOOK_CONFIG").map { String(cString: $0) } ?? Settings.defaultPath
  }

  func settings() throws(CommandFailure) -> Settings {
    do throws(ConfigurationError) {
      return try Settings(file: path)
    } catch {
      throw .configuration(error.description)
    }
  }

  /// The settings and every key.
  func configuration() throws(CommandFailure) -> Configuration {
    do throws(ConfigurationError) {
      return try Configuration(file: path)
    } catch {
      throw .configuration(error.description)
    }
  }
}
