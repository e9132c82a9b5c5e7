internal import ArgumentParser

/// What a wrong command line is answered: a sentence, the usage on rows that fit the terminal, and
/// where the help is.
struct UsageError {
  let text: String

  /// - Parameters:
  ///   - arguments: without the program's name.
  ///   - message: ArgumentParser's.
  init<Root: ParsableCommand>(
    of root: Root.Type, _ arguments: [String], message: String, columns: Int?
  ) {
    let columns = columns ?? defaultColumns
    let lines =
      answer(toUnknownCommandIn: arguments, of: root)
      ?? message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    text = lines.map { line in
      line.hasPrefix("Usage: ") ? wrapped(line, columns: columns, indent: 7) : line
    }.joined(separator: "\n")
  }
}

/// The answer to a word that should have been a command; nil if every command is known as far as they
/// are named.
private func answer(
  toUnknownCommandIn arguments: [String], of root: any ParsableCommand.Type
) -> [String]? {
  var path = [root._commandName]
  var command = root
  for argument in arguments {
    let commands = command.configuration.subcommands
    if argument.hasPrefix("-") || argument == "help" || commands.isEmpty { return nil }
    guard let next = commands.first(where: { $0._commandName == argument }) else {
      return answer(to: argument, behind: path, command, root)
    }
    path.append(argument)
    command = next
  }
  return nil
}

private func answer(
  to word: String, behind path: [String], _ command: any ParsableCommand.Type,
  _ root: any ParsableCommand.Type
) -> [String] {
  let name = path.joined(separator: " ")
  var first = "Error: \(name) has no command '\(word)'."
  // Of the same distance, those of this command.
  let near = paths(below: command, path) + paths(below: root, [root._commandName])
  let distances = near.map { distance(word, $0.last ?? "") }
  if let least = distances.min(), least <= max(1, word.count / 3),
    let index = distances.firstIndex(of: least)
  {
    first += " Did you mean '\(near[index].joined(separator: " "))'?"
  }
  let names = command.configuration.subcommands.map { $0._commandName }.sorted()
  return [
    first, "Usage: \(name) " + names.joined(separator: "|"),
    "  See '\(name) --help' for more information.",
  ]
}

/// Of all commands below one, the names from the program's on.
private func paths(below command: any ParsableCommand.Type, _ path: [String]) -> [[String]] {
  let children = command.configuration.subcommands
  let own = children.map { path + [$0._commandName] }
  return own + children.flatMap { paths(below: $0, path + [$0._commandName]) }
}

/// How many letters have to be put in, left out, or replaced (Levenshtein).
private func distance(_ one: String, _ other: String) -> Int {
  let other = Array(other)
  var row = Array(0...other.count)
  for (index, letter) in one.enumerated() {
    var diagonal = index
    row[0] = index + 1
    for column in other.indices {
      let replaced = diagonal + (letter == other[column] ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
    }
  }
  return row[other.count]
}

/// On rows of so many columns, where they can be: between words, but not in brackets.
func wrapped(_ line: String, columns: Int, indent: Int) -> String {
  var rows: [String] = []
  var row = ""
  for word in unbreakableWords(of: line) {
    if row.isEmpty {
      row = word
    } else if row.count + 1 + word.count <= columns {
      row += " \(word)"
    } else {
      rows.append(row)
      row = String(repeating: " ", count: indent) + word
    }
  }
  return (rows + [row]).joined(separator: "\n")
}

private func unbreakableWords(of line: String) -> [String] {
  var words: [String] = []
  var depth = 0
  for word in line.split(separator: " ").map(String.init) {
    if depth > 0 { words[words.count - 1] += " \(word)" } else { words.append(word) }
    depth += word.count { $0 == "[" || $0 == "(" } - word.count { $0 == "]" || $0 == ")" }
  }
  return words
}
