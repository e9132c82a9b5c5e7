internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// Events that are named on the command line or on standard input.
struct EventSelection: ParsableArguments {
  static let discussion = """
    EVENT is a file's name, its path, or the beginning of the event's id (at least 6 digits); with - \
    they are read from standard input, one a line. Prints the path of each event that it moved. \
    An event that a running command holds is not touched.

    Exit code 0: every event was moved; 1: one was not.
    """

  @Flag(help: "Say what would be moved, and move nothing.")
  var dryRun = false

  @Argument(help: "Events, or - for names on standard input.")
  var events: [String]

  /// Calls `body` with each name.
  func forEachName(_ body: (String) throws -> Void) throws {
    guard events == ["-"] else { return try events.forEach(body) }
    while let line = readLine() {
      if !line.isEmpty { try body(line) }
    }
  }
}

/// Moves the selected events, one after the other. An event that cannot be moved is
/// named, and the rest is moved.
/// - Parameters:
///   - states: where they may lie.
///   - verb: what has happened to those that were moved.
func moveAll(
  _ selection: EventSelection, of options: SpoolOptions, from states: [EventState], verb: String,
  _ move: (EventConsumer, SpoolEntry) throws -> Void
) throws {
  let reader = try options.reader()
  var consumers: [InstanceName: EventConsumer] = [:]
  var moved = 0
  var others = 0
  try selection.forEachName { name in
    do {
      let entry = try options.entry(named: name, in: reader, states: states)
      let consumer =
        try consumers[entry.instance] ?? EventConsumer(of: entry.instance, in: options.path())
      consumers[entry.instance] = consumer
      guard let held = try consumer.hold(entry.fileName, in: entry.state) else {
        throw CommandError.negative("\(printable(entry.path)): a running command holds it")
      }
      if !selection.dryRun { try move(consumer, entry) }
      _ = consume held
      printChange(printable(entry.path))
      moved += 1
    } catch let error as CommandError {
      printError("\(programName): \(error.description)")
      others += 1
    }
  }
  for consumer in consumers.values where !selection.dryRun { try consumer.sync() }
  printError(
    "\(moved) \(moved == 1 ? "event" : "events") \(selection.dryRun ? "would be " : "")\(verb)"
      + (others == 0 ? "" : ", \(others) not"))
  if others > 0 { throw ExitCode.failure }
}
