internal import ArgumentParser
internal import EventSpool
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool show`
struct SpoolShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one event.",
    discussion: """
      EVENT is a file's name, its path, or the beginning of the event's id (at least 6 digits).
      """)

  @OptionGroup var options: SpoolOptions

  @Argument(help: "A file name, a path, or the beginning of an event's id.")
  var event: String

  @Flag(help: "Print the file as it is: one line of JSON, a CloudEvents 1.0 event.")
  var json = false

  func run() throws {
    try reportingFailures {
      do {
        try show()
      } catch let error as SystemError {
        throw CommandFailure.noInput(error.message)
      }
    }
  }

  private func show() throws {
    let reader = try options.reader()
    let entry = try find(in: reader)
    let line = try reader.contents(of: entry)
    if json { return printResult(line) }
    guard let stored = StoredEvent(line: line) else {
      throw CommandFailure.noInput(
        "\(printable(entry.path)) is not an event: look at it with --json")
    }
    printReadable(stored, entry)
  }

  private func find(in reader: SpoolReader) throws -> SpoolEntry {
    let name = event.split(separator: "/").last.map(String.init) ?? event
    var matches: [SpoolEntry] = []
    for instance in try options.instances(in: reader) {
      matches += try reader.entries(of: instance, in: EventState.allCases).filter {
        ($0.fileName == name && event.hasSuffix(event.contains("/") ? $0.path : name))
          || isNamedByID($0)
      }
    }
    guard let match = matches.first else {
      throw CommandFailure(
        description: "no event called \(printable(event)) in the spool", exitCode: 1)
    }
    guard matches.count == 1 else {
      throw CommandFailure(
        description: "\(printable(event)) may be any of these:\n"
          + matches.map { "  \(printable($0.path))" }.joined(separator: "\n"), exitCode: 1)
    }
    return match
  }

  /// A file name holds the first 32 digits of the id, so more than that need not be compared.
  private func isNamedByID(_ entry: SpoolEntry) -> Bool {
    let prefix = event.lowercased().prefix(32)
    return prefix.utf8.count >= 6 && (entry.summary?.idPrefix.hasPrefix(prefix) ?? false)
  }

  private func printReadable(_ stored: StoredEvent, _ entry: SpoolEntry) {
    let attributes = [
      "id", "type", "subject", "source", "time", "recordedtime", "instance", "hook", "requesturi",
      "remoteaddr", "eventkey", "keyid", "xsignature",
    ]
    let width = attributes.map(\.count).max() ?? 0
    func field(_ name: String, _ value: String) {
      guard !value.isEmpty else { return }
      printResult("\(name)\(String(repeating: " ", count: width - name.count))  \(value)")
    }
    field("file", printable(entry.path))
    field("state", entry.state.rawValue)
    for name in attributes { field(name, printable(stored[name])) }
    printResult("data")
    for member in stored.data.object?.members ?? [] {
      let name = printable(String(decoding: member.name, as: UTF8.self))
      let value = String(decoding: member.value.compactText, as: UTF8.self)
      printResult("  \(name): \(value.unicodeScalars.map(asciiEscaped).joined())")
    }
  }
}

/// A character of JSON text, escaped as JSON escapes it where it is not printable ASCII.
private func asciiEscaped(_ scalar: Unicode.Scalar) -> String {
  guard !(0x20...0x7E).contains(scalar.value) else { return String(scalar) }
  return String(scalar).utf16.map { unit in
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }.joined()
}
