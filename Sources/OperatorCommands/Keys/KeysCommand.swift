internal import ArgumentParser

/// `delve-webhook keys`
struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Look at the configured keys, fetch new ones, and remove old ones.",
    subcommands: [KeysCheckCommand.self, KeysFetchCommand.self, KeysRemoveCommand.self])
}
