package import ArgumentParser
package import WebhookConfiguration
package import WebhookCore

/// Which spool, and whose events in it.
package struct SpoolOptions: ParsableArguments {
  @OptionGroup package var configuration: ConfigurationOptions

  @Option(
    help: ArgumentHelp("The spool's folder, in place of the configuration's.", valueName: "folder"),
    completion: .directory)
  package var spool: String?

  @Option(
    help: ArgumentHelp("Only this instance's events.", valueName: "name"),
    completion: SpoolCompletion.instances)
  package var instance: String?

  package init() {}

  /// The spool's folder.
  package func path() throws(ConfigurationError) -> String {
    if let spool { return spool }
    return try configuration.settings().spool
  }

  package func isWanted(_ name: InstanceName) -> Bool {
    instance.map { $0 == name.description } ?? true
  }
}
