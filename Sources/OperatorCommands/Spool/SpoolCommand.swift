internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook spool`
struct SpoolCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spool", abstract: "Look into the spool, and drain it.",
    subcommands: [
      SpoolListCommand.self, SpoolShowCommand.self, SpoolStatsCommand.self,
      SpoolTailCommand.self, SpoolVerifyCommand.self, SpoolRunCommand.self, SpoolRetryCommand.self,
      SpoolFinishCommand.self, SpoolPruneCommand.self,
    ])
}

extension SpoolOptions {
  /// Opens the spool for reading.
  func reader() throws -> SpoolReader { try SpoolReader(path: try path()) }

  /// Where the instances are on the web; empty if there is no configuration that says so.
  func instanceURLs() -> [InstanceName: String] {
    let instances = (try? configuration.settings().instances) ?? []
    return Dictionary(uniqueKeysWithValues: instances.map { ($0.name, $0.url) })
  }

  /// The instances that are asked for.
  func instances(in reader: SpoolReader) throws -> [InstanceName] {
    let all = try reader.instances()
    guard let instance else { return all }
    guard let name = all.first(where: { $0.description == instance }) else {
      throw CommandError.noInput(
        "no instance called \(printable(instance)) in the spool; there: "
          + all.map(\.description).joined(separator: ", "))
    }
    return [name]
  }

  /// The one event that `text` means: a path, a file's name, or the beginning of an id.
  func entry(
    named text: String, in reader: SpoolReader, states: [EventState] = EventState.allCases
  ) throws -> SpoolEntry {
    let matches = try reader.entries(named: text, of: instances(in: reader), in: states)
    guard let match = matches.first else {
      let folders =
        states == EventState.allCases ? "the spool" : states.map(\.rawValue).joined(separator: ", ")
      throw CommandError.negative("no event called \(printable(text)) in \(folders)")
    }
    guard matches.count == 1 else {
      throw CommandError.negative(
        "\(printable(text)) may be any of these:\n"
          + matches.map { "  \(printable($0.path))" }.joined(separator: "\n"))
    }
    return match
  }
}
