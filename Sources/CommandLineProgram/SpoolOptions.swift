package import ArgumentParser
package import EventSpool
internal import WebhookConfiguration
package import WebhookCore

/// Which spool, and whose events in it.
package struct SpoolOptions: ParsableArguments {
  @OptionGroup package var configuration: ConfigurationOptions

  @Option(help: "The spool's folder, in place of the configuration's.")
  package var spool: String?

  @Option(help: "This instance's events alone.")
  package var instance: String?

  package init() {}

  /// The spool's folder.
  package func path() throws(CommandFailure) -> String {
    if let spool { return spool }
    return try configuration.settings().spool
  }

  /// For a name that was mistyped.
  package func requireInstance(in queue: WatchedQueue) throws(CommandFailure) {
    guard let instance, queue.isWithoutInstances else { return }
    throw .noInput("no instance called \(printable(instance)) in the spool")
  }

  package func isWanted(_ name: InstanceName) -> Bool {
    instance.map { $0 == name.description } ?? true
  }
}
