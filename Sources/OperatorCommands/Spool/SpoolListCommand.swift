internal import ArgumentParser
internal import EventSpool
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool list`
struct SpoolListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the events in the spool, oldest first.",
    discussion: "Time, kind, status and id are read from the file names alone.")

  @OptionGroup var options: SpoolOptions

  @Option(help: "Events in this folder alone: new, cur, defer, dead or done.")
  var state: EventState?

  @Option(help: "At most so many, the oldest.")
  var limit: Int?

  @Flag(help: "One JSON object a line.")
  var json = false

  func validate() throws {
    guard limit ?? 0 >= 0 else { throw ValidationError("--limit must be 0 or more.") }
  }

  func run() throws {
    try reportingFailures {
      do {
        try list()
      } catch let error as SystemError {
        throw CommandFailure.noInput(error.message)
      }
    }
  }

  private func list() throws {
    let reader = try options.reader()
    var entries: [SpoolEntry] = []
    for instance in try options.instances(in: reader) {
      entries += try reader.entries(of: instance, in: state.map { [$0] } ?? EventState.allCases)
    }
    // The names begin with the time.
    entries.sort { ($0.fileName, $0.path) < ($1.fileName, $1.path) }
    let shown = entries.prefix(limit ?? .max)
    if json {
      for entry in shown { printResult(entry.jsonLine) }
    } else {
      printTable(
        columns: ["ISSUED", "INSTANCE", "STATE", "EVENT", "ID", "FILE ID"],
        rows: shown.map(\.row))
    }
  }
}

extension SpoolEntry {
  fileprivate var row: [String] {
    guard let summary else {
      return ["?", "\(instance)", state.rawValue, "?", "?", printable(fileName)]
    }
    return [
      printable(summary.issuedAt), "\(instance)", state.rawValue,
      printable("\(summary.kind)/\(summary.status)"), printable(summary.claimID),
      printable(summary.idPrefix),
    ]
  }

  fileprivate var jsonLine: String {
    var members: [(name: String, value: JSONValue)] = [
      ("path", .string(path)), ("instance", .string("\(instance)")),
      ("state", .string(state.rawValue)), ("file", .string(fileName)),
    ]
    if let summary {
      members += [
        ("issued", .string(summary.issuedAt)), ("kind", .string(summary.kind)),
        ("status", .string(summary.status)), ("claimid", .string(summary.claimID)),
        ("idprefix", .string(summary.idPrefix)),
      ]
    }
    return String(decoding: JSONValue.object(JSONObject(members)).compactText, as: UTF8.self)
  }
}

extension EventState: ExpressibleByArgument {}
