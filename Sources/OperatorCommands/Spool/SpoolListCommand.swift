internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool list`
struct SpoolListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the events in the spool, oldest first.",
    discussion: "Time, kind, status and id are read from the file names; no file is opened.")

  @OptionGroup var options: SpoolOptions

  @Option(help: "Only events in this folder: new, cur, defer, dead or done. Repeatable.")
  var state: [EventState] = []

  @Option(help: "Only events of this kind, as in scan.")
  var kind: String?

  @Option(help: "Only events with this status, as in done.")
  var status: String?

  @Option(help: "Only events that are at least this old, as in 90s, 30m, 12h or 7d.")
  var olderThan: Age?

  @Option(help: "Only events that are younger than this.")
  var newerThan: Age?

  @Option(help: "At most this many, the oldest.")
  var limit: Int?

  @Flag(help: "One JSON object a line.")
  var json = false

  /// So many are looked for at a time, and kept in memory.
  private static let entriesPerLook = 100_000

  func validate() throws {
    guard limit ?? 0 >= 0 else { throw ValidationError("--limit must be 0 or more.") }
  }

  func run() throws {
    try reportingErrors {
      let reader = try options.reader()
      let instances = try options.instances(in: reader)
      let states = state.isEmpty ? EventState.allCases : state
      let filter = filter(now: Timestamp.now().seconds)
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
  }

  private func show(_ entries: [SpoolEntry], isFirst: Bool) {
    if json {
      for entry in entries { printJSON(entry.json) }
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
      guard let summary = entry.summary, let issued = summary.issuedSeconds else { return false }
      let age = now - issued
      return kind.map { $0 == summary.kind } ?? true
        && status.map { $0 == summary.status } ?? true
        && olderThan.map { age >= $0.seconds } ?? true
        && newerThan.map { age < $0.seconds } ?? true
    }
  }
}

/// How an event is listed, also by `spool tail`.
extension SpoolEntry {
  var row: [String] {
    guard let summary else {
      return ["?", "\(instance)", state.rawValue, "?", "?", printable(fileName)]
    }
    return [
      printable(String(summary.issuedAt)), "\(instance)", state.rawValue,
      printable("\(summary.kind)/\(summary.status)"), printable(String(summary.claimID)),
      printable(String(summary.idPrefix)),
    ]
  }

  var json: JSONObject {
    [
      "path": .string(path), "instance": .string("\(instance)"),
      "state": .string(state.rawValue), "file": .string(fileName),
      "issued": summary.map { .string(String($0.issuedAt)) },
      "kind": summary.map { .string(String($0.kind)) },
      "status": summary.map { .string(String($0.status)) },
      "claimid": summary.map { .string(String($0.claimID)) },
      "idprefix": summary.map { .string(String($0.idPrefix)) },
    ]
  }
}

extension EventState: ExpressibleByArgument {}
