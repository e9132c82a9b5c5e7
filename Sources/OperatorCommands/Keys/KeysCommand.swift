internal import ArgumentParser

/// `delve-webhook keys`
struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "Look at the configured keys, and fetch new ones.",
    subcommands: [KeysCheckCommand.self, KeysFetchCommand.self])
}
