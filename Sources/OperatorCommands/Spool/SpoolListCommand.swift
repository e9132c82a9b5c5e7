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

  func validate() throws {
    guard limit ?? 0 >= 0 else { throw ValidationError("--limit must be 0 or more.") }
  }

  func run() throws {
    try reportingErrors {
      let reader = try options.reader()
      let listing = try reader.oldest(
        limit ?? .max, of: options.instances(in: reader),
        in: state.isEmpty ? EventState.allCases : state,
        where: filter(now: Timestamp.now().seconds))
      if json { printJSON(listing) } else { printTable(listing) }
    }
  }

  private func printJSON(_ listing: SpoolListing) {
    var output = OutputBuffer()
    listing.forEach { name, place in output.append(jsonLine(eventObject(name, in: place))) }
    output.flush()
  }

  private func printTable(_ listing: SpoolListing) {
    var table = Table(columns: eventColumns)
    listing.forEach { name, place in table.measure(eventRow(name, in: place)) }
    table.printHead()
    listing.forEach { name, place in table.print(eventRow(name, in: place)) }
    table.flush()
  }

  /// By what the names say.
  private func filter(now: Int64) -> (UnsafeRawBufferPointer) -> Bool {
    guard kind != nil || status != nil || olderThan != nil || newerThan != nil else {
      return { _ in true }
    }
    return { name in
      guard let summary = EventFileName(parsing: String(decoding: name, as: UTF8.self)),
        let issued = summary.issuedSeconds
      else { return false }
      let age = now - issued
      return kind.map { $0 == summary.kind } ?? true
        && status.map { $0 == summary.status } ?? true
        && olderThan.map { age >= $0.seconds } ?? true
        && newerThan.map { age < $0.seconds } ?? true
    }
  }
}

extension EventState: ExpressibleByArgument {}
