internal import ArgumentParser
internal import EventSpool
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook spool`
struct SpoolCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spool", abstract: "Look into the spool. These commands change nothing.",
    subcommands: [
      SpoolListCommand.self, SpoolShowCommand.self, SpoolStatsCommand.self,
      SpoolVerifyCommand.self,
    ])
}

/// Which spool, and whose events in it.
struct SpoolOptions: ParsableArguments {
  @OptionGroup var configuration: ConfigurationOptions

  @Option(help: "The spool's folder, in place of the configuration's.")
  var spool: String?

  @Option(help: "This instance's events alone.")
  var instance: String?

  /// Opens the spool for reading.
  func reader() throws -> SpoolReader {
    do {
      return try SpoolReader(path: try spoolPath())
    } catch let error as SystemError {
      throw CommandFailure.noInput(error.message)
    }
  }

  private func spoolPath() throws(CommandFailure) -> String {
    if let spool { return spool }
    return try configuration.settings().spool
  }

  /// The instances that are asked for.
  func instances(in reader: SpoolReader) throws -> [InstanceName] {
    let all = try reader.instances()
    guard let instance else { return all }
    guard let name = all.first(where: { $0.description == instance }) else {
      throw CommandFailure.noInput(
        "no instance called \(printable(instance)) in the spool; there: "
          + all.map(\.description).joined(separator: ", "))
    }
    return [name]
  }
}
