internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import StrictJSON
internal import WebhookCore

/// `delve-webhook spool show`
struct SpoolShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one event.",
    discussion: """
      EVENT is a file's name, its path, the beginning of the event's id (at least 6 digits), or \
      the FILE ID that `spool list` shows. --id names an event by the sender's id. If several \
      events match, the command names them.

      Exit code 0: shown; 1: no event matches, or several do; 66: the file or the spool cannot be \
      read, or the file holds no event.
      """)

  @OptionGroup var options: SpoolOptions

  @Argument(
    help: "A file name, a path, or the beginning of an event's id.",
    completion: SpoolCompletion.events(in: [.dead, .defer, .cur, .new]))
  var event: String?

  @Option(help: "The event with this id of the sender's, as in 214.")
  var id: String?

  @Flag(help: "One JSON object: path, instance, state, the event, and how its handling failed.")
  var json = false

  @Flag(
    help: """
      The file as it is: one line of JSON, a CloudEvents 1.0 event. Raw at a terminal, too: the \
      sender's text in it may steer the terminal.
      """)
  var raw = false

  func validate() throws {
    guard (event == nil) != (id == nil) else {
      throw ValidationError("Pass an EVENT, or the sender's id with --id.")
    }
    if json && raw { throw ValidationError("Pass --json or --raw, not both.") }
  }

  func run() throws {
    try reportingErrors {
      let reader = try options.reader()
      let entry = try entry(in: reader, of: options.instances(in: reader))
      let line = try reader.contents(of: entry)
      if raw { return printResult(line) }
      guard let stored = StoredEvent(line: line) else {
        throw CommandError.noInput(
          "\(printable(entry.path)) is not an event: look at it with --raw")
      }
      let record = reader.record(of: entry)
      if json { return printJSON(object(stored, entry, record)) }
      printReadable(stored, entry)
      if let record { printReadable(record) }
    }
  }

  private func entry(in reader: SpoolReader, of instances: [InstanceName]) throws -> SpoolEntry {
    if let event {
      let entry = try reader.events(named: [event], of: instances)[0]
      // Too short for the beginning of an event's id.
      guard case .failure(let error) = entry, event.utf8.count < 6 else { return try entry.get() }
      throw CommandError.negative("\(error); the sender's id goes behind --id")
    }
    let wanted = WantedClaimID(id ?? "")
    let listing = try reader.listing(of: instances, in: EventState.byNeed, limit: 100) { name, _ in
      EventFileName.Parts(of: name).map { wanted.isMeant(by: name[$0.claimID]) } ?? false
    }
    return try reader.onlyEvent(
      of: listing.entries, called: "--id \(id ?? "")", in: EventState.allCases)
  }

  private func object(
    _ stored: StoredEvent, _ entry: SpoolEntry, _ record: AttemptRecord?
  ) -> JSONObject {
    [
      "path": .string(entry.path), "instance": .string("\(entry.instance)"),
      "state": .string(entry.state.rawValue), "event": .object(stored.attributes),
      "handling": record.map { .object($0.json) } ?? .null,
    ]
  }

  private func printReadable(_ record: AttemptRecord) {
    printResult("handling")
    printResult("  attempts: \(record.attempts) failed, \(record.deferrals) put off")
    if let last = record.lastAttempt { printResult("  last: \(inWords(last.rfc3339))") }
    if let (name, value) = record.ending?.field {
      printResult("  its end: \(name)=\(printable(value))")
    }
    if let next = record.nextAttempt { printResult("  next: \(inWords(next.rfc3339))") }
    for line in record.output.split(whereSeparator: \.isNewline) {
      printResult("  \(record.outputName): \(printable(String(line)))")
    }
    if let notice = record.notice { printReadable(notice) }
  }

  private func printReadable(_ notice: Notice) {
    printResult("notice that it was given up")
    printResult("  attempts: \(notice.attempts)\(notice.isTold ? "; somebody was told" : "")")
    if let last = notice.lastAttempt { printResult("  last: \(inWords(last.rfc3339))") }
    if let (name, value) = notice.ending?.field, !notice.isTold {
      printResult("  its end: \(name)=\(printable(value))")
    }
    if let next = notice.nextAttempt { printResult("  next: \(inWords(next.rfc3339))") }
    for line in notice.output.split(whereSeparator: \.isNewline) {
      printResult("  stderr: \(printable(String(line)))")
    }
  }

  private func printReadable(_ stored: StoredEvent, _ entry: SpoolEntry) {
    let attributes = EventAttribute.allCases.filter {
      $0 != .data && !$0.rules.contains(.isForPrograms)
    }
    let width = attributes.map(\.rawValue.count).max() ?? 0
    func field(_ name: String, _ value: String) {
      guard !value.isEmpty else { return }
      printResult("\(name)\(String(repeating: " ", count: width - name.count))  \(value)")
    }
    field("file", printable(entry.path))
    field("state", entry.state.rawValue)
    for attribute in attributes {
      let value = printable(stored[attribute])
      let isTime = attribute == .time || attribute == .recordedtime
      field(attribute.rawValue, isTime ? inWords(value) : value)
    }
    printResult("data")
    for member in stored.data.object?.members ?? [] {
      let name = printable(String(decoding: member.name, as: UTF8.self))
      let value = String(decoding: asciiJSON(member.value.compactText), as: UTF8.self)
      printResult("  \(name): \(value)")
    }
  }
}

/// A time and how long ago it was, or how soon it will be.
private func inWords(_ time: String) -> String {
  guard let seconds = CalendarDate.seconds(rfc3339: String(time.prefix(19)) + "Z") else {
    return time
  }
  let age = Timestamp.now().seconds - seconds
  return age >= 0
    ? "\(time) (\(Age(seconds: age).words) ago)" : "\(time) (in \(Age(seconds: -age).words))"
}
