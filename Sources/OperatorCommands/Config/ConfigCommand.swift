internal import ArgumentParser

/// `delve-webhook config`
struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Look at the configuration.",
    subcommands: [ConfigCheckCommand.self, ConfigShowCommand.self])
}
