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
    commandName: "list", abstract: "List the events that need attention, and those that wait.",
    discussion: """
      Lists first the events that were given up (dead), then those that were put off (defer), are \
      in hand (cur), and have just come (new). In each folder, the newest is the last. --state \
      done lists the handled ones.

      A long id is shown without its middle. Commands that take an EVENT accept it in this form. \
      AGE is counted from the event's iat. NEXT IN says when an event that was put off is tried \
      again. WHY says how its handling failed. --json has ids and times in full, and the record of \
      a failed handling as `handling`.

      This is quick however many events there are: it reads file names, and records only of the \
      events that it lists, or for --match.

      Exit code 0: listed, even if there was nothing to list; 66: the spool cannot be read.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(
    help: """
      Only events in this folder: new, cur, defer, dead or done (default: all but done). Repeatable.
      """)
  var state: [EventState] = []

  @OptionGroup var filter: EventFilter

  @Option(help: ArgumentHelp("At most this many, those issued last.", valueName: "number"))
  var last: Int?

  @Option(help: ArgumentHelp("At most this many, the oldest.", valueName: "number"))
  var limit: Int?

  @Flag(help: "One JSON object a line.")
  var json = false

  func validate() throws {
    guard last ?? 0 >= 0 else { throw ValidationError("--last must be 0 or more.") }
    guard limit ?? 0 >= 0 else { throw ValidationError("--limit must be 0 or more.") }
    guard last == nil || limit == nil else {
      throw ValidationError("Pass --last or --limit, not both.")
    }
  }

  func run() throws {
    try reportingErrors {
      let reader = try options.reader()
      let instances = try options.instances(in: reader)
      let now = Timestamp.now()
      let listing = try reader.listing(
        of: instances,
        in: EventState.byNeed.filter { state.isEmpty ? $0 != .done : state.contains($0) },
        limit: last ?? limit ?? .max, keeping: last == nil ? .oldest : .newest,
        where: filter.test(in: reader, now: now.seconds))
      if json { return printJSON(listing, of: reader) }
      var table = EventTable(of: reader, hasInstances: instances.count > 1, now: now)
      table.print(listing)
    }
  }

  private func printJSON(_ listing: SpoolListing, of reader: SpoolReader) {
    var output = OutputBuffer()
    listing.forEach { name, place in
      var object = eventObject(name, in: place)
      if let record = reader.record(of: name, in: place) {
        object = object.appending("handling", .object(record.json))
      }
      output.append(jsonLine(object))
    }
    output.flush()
  }
}

extension EventState: ExpressibleByArgument {}
