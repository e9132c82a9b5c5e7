internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import WebhookCore

/// Events that are named on the command line or on standard input, and moved.
struct MoveByHand: ParsableArguments {
  static let discussion = """
    EVENT is a file's name, its path, or the beginning of the event's id (at least 6 digits); with - \
    they are read from standard input, one a line. Prints the path of each event that it moved. \
    What a running command holds is not touched.

    Exit code 0: every event was moved; 1: one was not.
    """

  @Flag(help: "Say what would be moved, and move nothing.")
  var dryRun = false

  @Argument(help: "Events, or - for names on standard input.")
  var events: [String]

  func run(
    _ options: SpoolOptions, from states: [EventState], verb: String,
    _ move: (EventConsumer, SpoolEntry) throws -> Void
  ) throws {
    try reportingFailures {
      do {
        let reader = try options.reader()
        var consumers: [InstanceName: EventConsumer] = [:]
        var moved = 0
        var others = 0
        try forEachName { name in
          do {
            let entry = try options.entry(named: name, in: reader, states: states)
            let consumer =
              try consumers[entry.instance]
              ?? EventConsumer(of: entry.instance, in: try options.path())
            consumers[entry.instance] = consumer
            guard let held = try consumer.hold(entry.fileName, in: entry.state) else {
              throw CommandFailure(
                description: "\(printable(entry.path)): a running command holds it", exitCode: 1)
            }
            if !dryRun { try move(consumer, entry) }
            _ = consume held
            printResult(printable(entry.path))
            moved += 1
          } catch let failure as CommandFailure {
            printError("delve-webhook: \(failure.description)")
            others += 1
          }
        }
        for consumer in consumers.values where !dryRun { try consumer.sync() }
        printError(
          "\(moved) \(moved == 1 ? "event" : "events") \(dryRun ? "would be " : "")\(verb)"
            + (others == 0 ? "" : ", \(others) not"))
        if others > 0 { throw ExitCode.failure }
      } catch let error as SystemError {
        throw CommandFailure.spool(error)
      }
    }
  }

  private func forEachName(_ body: (String) throws -> Void) throws {
    guard events == ["-"] else { return try events.forEach(body) }
    while let line = readLine() {
      if !line.isEmpty { try body(line) }
    }
  }
}
