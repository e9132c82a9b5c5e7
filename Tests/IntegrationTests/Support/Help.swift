internal import Foundation
internal import TestSupport

/// What a program says of its commands, and their options.
struct Help {
  struct Command: Decodable {
    let commandName: String
    let discussion: String?
    let subcommands: [Command]?
    let arguments: [Argument]?

    /// The commands below this one.
    var inner: [Command] { (subcommands ?? []).filter { $0.commandName != "help" } }

    /// The options, each with its hyphens.
    var options: Set<String> {
      let names = (arguments ?? []).flatMap { $0.names ?? [] }
      return Set(names.map { ($0.kind == "long" ? "--" : "-") + $0.name })
    }

    /// What the paragraph of exit codes lists.
    var exitCodes: [String] {
      let paragraph = discussion?.components(separatedBy: "\n\n").first {
        $0.hasPrefix("Exit code")
      }
      return (paragraph ?? "").matches(of: /(?:; |^Exit codes?:? )(\d+)/).map { String($0.1) }
    }
  }

  struct Argument: Decodable {
    struct Name: Decodable {
      let kind: String
      let name: String
    }
    let names: [Name]?
  }

  private struct Dump: Decodable { let command: Command }

  let program: Command

  /// - Returns: nil if the program was not built.
  static func of(_ program: String) async throws -> Help? {
    let path = Repository.executable(program)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let dump = try await TestSupport.command(path, ["--experimental-dump-help"]).output
    return Help(program: try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command)
  }

  /// The commands that do something, each with the words that lead to it.
  var commands: [(words: [String], command: Command)] { Self.leaves(of: program, []) }

  private static func leaves(of command: Command, _ words: [String]) -> [([String], Command)] {
    guard !command.inner.isEmpty else { return [(words, command)] }
    return command.inner.flatMap { leaves(of: $0, words + [$0.commandName]) }
  }
}
