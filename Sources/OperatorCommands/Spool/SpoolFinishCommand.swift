internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import WebhookCore

/// `delve-webhook spool finish`
struct SpoolFinishCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finish", abstract: "Move events to done, as if a handler had handled them.",
    discussion: EventSelection.discussion("finished"))

  @OptionGroup var options: SpoolOptions
  @OptionGroup var selection: EventSelection

  func run() throws {
    try reportingErrors(while: .moving) {
      let work = WorkByHand(states: [.new, .cur, .defer, .dead], participle: "finished") {
        (consumer, entry) throws(SpoolError) in
        try consumer.finish(entry.fileName, in: entry.state, now: .now())
      }
      try work.run(selection, of: options, now: .now())
    }
  }
}
