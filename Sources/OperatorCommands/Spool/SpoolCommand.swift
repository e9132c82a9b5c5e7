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
      SpoolFinishCommand.self, SpoolRemoveCommand.self, SpoolPruneCommand.self,
      SpoolGapsCommand.self,
    ])
}

extension SpoolOptions {
  /// Opens the spool for reading.
  func reader() throws -> SpoolReader { try SpoolReader(path: try path()) }

  /// The instances that are asked for. A layout that this version does not know is a warning.
  func instances(in reader: SpoolReader) throws -> [InstanceName] {
    var names = try reader.instances()
    if let instance {
      guard let name = names.first(where: { $0.description == instance }) else {
        throw CommandError.noInput(
          "no instance called \(printable(instance)) in the spool; there: "
            + names.map(\.description).joined(separator: ", "))
      }
      names = [name]
    }
    if !reader.holdsAny(of: names) {
      printError(
        "\(programName): warning: nothing of any instance lies in \(printable(try path())): look "
          + "whether it is the spool, and whether its disk is mounted")
    }
    reader.warnOfLayouts(of: names)
    return names
  }
}

extension SpoolReader {
  /// Whether the folder of one of them is an instance's, or cannot be looked into.
  func holdsAny(of instances: [InstanceName]) -> Bool {
    instances.contains { (try? isInstance($0)) ?? true }
  }

  /// Says so of those that this version does not know.
  func warnOfLayouts(of instances: [InstanceName]) {
    // That a folder is another user's, each command says itself.
    for problem in instances.compactMap(layoutProblem) where !problem.forUser.isForeignOwner {
      printError("\(programName): warning: \(problem.explanation)")
    }
  }

  /// The one event that each of `texts` means: a path, a file's name, or the beginning of an id; or
  /// why there is none. All are looked for at once.
  func events(
    named texts: [String], of instances: [InstanceName],
    in states: [EventState] = EventState.allCases
  ) throws(SpoolError) -> [Result<SpoolEntry, CommandError>] {
    let matches = try entries(named: texts, of: instances, in: states)
    return zip(texts, matches).map { text, matches in
      Result { () throws(CommandError) in
        try onlyEvent(of: matches, called: text, in: states)
      }
    }
  }

  /// - Parameter text: names one event.
  /// - Throws: unless there is one.
  func onlyEvent(
    of matches: [SpoolEntry], called text: String, in states: [EventState]
  ) throws(CommandError) -> SpoolEntry {
    guard let match = matches.first else {
      let folders =
        states == EventState.allCases
        ? "the spool" : states.map(\.rawValue).joined(separator: ", ")
      throw .negative(
        "no event called \(printable(text)) in \(folders)"
          + (text.contains("/") ? "; if it lies in another spool, name that with --spool" : ""))
    }
    guard matches.count == 1 else {
      throw .negative(
        "\(printable(text)) may be any of these:\n"
          + matches.map { "  \(printable($0.path))" }.joined(separator: "\n"))
    }
    return match
  }
}
