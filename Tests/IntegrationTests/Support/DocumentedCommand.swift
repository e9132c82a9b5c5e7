/// A command of ours, as a page shows it.
struct DocumentedCommand {
  let program: String
  let words: [String]

  /// The commands of ours in a line of a shell or of a unit, also behind a prompt, variables,
  /// `runuser … --` and other commands.
  static func all(in line: String) -> [DocumentedCommand] {
    line.split(separator: /[|;&(]/).compactMap { DocumentedCommand($0) }
  }

  private init?(_ command: Substring) {
    var text = command.trimmingPrefix(/\s*(?:\$ |Exec\w+=)?/)
    if text.hasPrefix("runuser "), let separator = text.firstRange(of: " -- ") {
      text = text[separator.upperBound...]
    }
    text = text.trimmingPrefix(/(?:env +|[A-Za-z_]+=\S* +)*(?:\/usr\/(?:local\/)?bin\/)?/)
    var words = text.prefix { !"<>#`)".contains($0) }.split(separator: " ").map(String.init)
    guard let program = words.first, Self.programs.contains(program) else { return nil }
    words.removeFirst()
    (self.program, self.words) = (program, words)
  }

  private static let programs = ["delve-webhook", "delve-webhook-fcgi", "delve-webhook-forward"]

  /// The first word that the program does not know; nil if it knows all of them, as far as one is no
  /// picture and no ellipsis.
  func unknownWord(by help: Help.Command) -> String? {
    var command = help
    for word in words.drop(while: { $0 == "help" }) {
      if word == "--" || word.first?.isASCII == false { return nil }
      if word.hasPrefix("-"), word != "-" {
        let name = String(word.prefix { $0 != "=" && $0 != "," })
        let isKnown = command.options.contains(name)
        guard isKnown || ["-h", "--help", "--version"].contains(name) else { return word }
      } else if !command.inner.isEmpty {
        guard let next = command.inner.first(where: { $0.commandName == word }) else { return word }
        command = next
      }
    }
    return nil
  }
}
