/// A command of ours, as a page shows it.
struct DocumentedCommand {
  let program: String
  let words: [String]

  /// The commands of ours in a line: at its beginning, behind a prompt, an assignment, another
  /// command, or `--`.
  static func all(in line: String) -> [DocumentedCommand] {
    let start =
      /(?:^|[|;&(=]|\$ |-- )\s*(?:env +)?(?:[A-Z_]+=\S+ +)*(?:\/usr\/(?:local\/)?bin\/)?/
    let command = /(?<program>delve-webhook(?:-fcgi|-forward)?)(?<rest>(?: [^|;&<>#`)]*)?)/
    var found: [DocumentedCommand] = []
    var rest = line[...]
    while let match = rest.firstMatch(of: start) {
      let behind = rest[match.range.upperBound...]
      if let match = behind.prefixMatch(of: command) {
        let words = match.rest.split(separator: " ").map(String.init)
        found.append(DocumentedCommand(program: String(match.program), words: words))
        rest = behind[match.range.upperBound...]
      } else {
        rest = behind.isEmpty ? behind : behind.dropFirst(match.range.isEmpty ? 1 : 0)
      }
      if rest.isEmpty { break }
    }
    return found
  }

  /// The first word that the program does not know; nil if it knows all of them.
  func unknownWord(by help: Help.Command) -> String? {
    var command = help
    for word in words.drop(while: { $0 == "help" }) {
      if word == "--" { return nil }
      if word.hasPrefix("-"), word != "-" {
        let name = String(word.prefix { $0 != "=" && $0 != "," })
        let isKnown = command.options.contains(name)
        guard isKnown || ["-h", "--help", "--version"].contains(name) else { return word }
      } else if let inner = command.subcommands, !inner.isEmpty {
        guard let next = inner.first(where: { $0.commandName == word }) else { return word }
        command = next
      }
    }
    return nil
  }
}
