internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import WebhookCore

/// `delve-webhook spool remove`
struct SpoolRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove events that are not handled, for good.",
    discussion: """
      Asks at a terminal, with the number of events in each folder. Without a terminal, pass \
      --yes. To keep an event without handling it, use `spool finish`. `spool prune` removes \
      handled events.

      A replay does not bring a removed event back: the spool remembers that it has come, as long \
      as it does of any other event.

      \(EventSelection.discussion("removed"))
      """)

  @OptionGroup var options: SpoolOptions
  @OptionGroup var selection: EventSelection

  @Flag(help: "Remove without asking.")
  var yes = false

  func run() throws {
    try reportingErrors(while: .moving) {
      let work = WorkByHand(
        states: [.new, .cur, .defer, .dead], participle: "removed",
        isWanted: { counts in try isConfirmed(question(counts), yes: yes) }
      ) { (consumer, entry) throws(SpoolError) in
        try consumer.remove(entry.fileName, in: entry.state)
      }
      try work.run(selection, of: options, now: .now())
    }
  }

  private func question(_ counts: [(place: SpoolPlace, count: Int)]) -> String {
    let places = counts.map { "\($0.count) of \($0.place.path)" }.joined(separator: ", ")
    return "Remove \(eventCount(counts.reduce(0) { $0 + $1.count })) for good (\(places))"
  }
}
