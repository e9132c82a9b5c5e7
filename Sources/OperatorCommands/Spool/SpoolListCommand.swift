internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool list`
struct SpoolListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the events in the spool, oldest first.",
    discussion: "Time, kind, status and id are read from the file names alone.")

  @OptionGroup var options: SpoolOptions

  @Option(help: "Events in this folder alone: new, cur, defer, dead or done. Repeatable.")
  var state: [EventState] = []

  @Option(help: "Events of this kind alone, as in scan.")
  var kind: String?

  @Option(help: "Events with this status alone, as in done.")
  var status: String?

  @Option(help: "Events that are at least so old, as in 90s, 30m, 12h or 7d.")
  var olderThan: Age?

  @Option(help: "Events that are younger than that.")
  var newerThan: Age?

  @Option(help: "At most so many, the oldest.")
  var limit: Int?

  @Flag(help: "One JSON object a line.")
  var json = false

  /// So many are looked for at a time, and kept in memory.
  private static let entriesPerLook = 100_000

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
    let instances = try options.instances(in: reader)
    let states = state.isEmpty ? EventState.allCases : state
    let filter = filter(now: Int64(time(nil)))
    var rest = limit ?? .max
    var last: SpoolEntry?
    while rest > 0 || last == nil {
      let entries = try reader.oldest(
        min(rest, Self.entriesPerLook), of: instances, in: states, after: last, where: filter)
      show(entries, isFirst: last == nil)
      rest -= entries.count
      guard entries.count == Self.entriesPerLook, let end = entries.last else { return }
      last = end
    }
  }

  private func show(_ entries: [SpoolEntry], isFirst: Bool) {
    if json {
      for entry in entries { printResult(entry.jsonLine) }
    } else {
      printTable(columns: isFirst ? Self.columns : nil, rows: entries.map(\.row))
    }
  }

  private static let columns = ["ISSUED", "INSTANCE", "STATE", "EVENT", "ID", "FILE ID"]

  /// By what the names say.
  private func filter(now: Int64) -> (SpoolEntry) -> Bool {
    let isUnfiltered = kind == nil && status == nil && olderThan == nil && newerThan == nil
    return { entry in
      if isUnfiltered { return true }
      guard let summary = entry.summary,
        let issued = CalendarDate.seconds(atBasicTime: summary.issuedAt)
      else { return false }
      let age = now - issued
      return kind.map { $0 == summary.kind } ?? true
        && status.map { $0 == summary.status } ?? true
        && olderThan.map { age >= $0.seconds } ?? true
        && newerThan.map { age < $0.seconds } ?? true
    }
  }
}

extension SpoolEntry {
  var row: [String] {
    guard let summary else {
      return ["?", "\(instance)", state.rawValue, "?", "?", printable(fileName)]
    }
    return [
      printable(summary.issuedAt), "\(instance)", state.rawValue,
      printable("\(summary.kind)/\(summary.status)"), printable(summary.claimID),
      printable(summary.idPrefix),
    ]
  }

  var jsonLine: String {
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
