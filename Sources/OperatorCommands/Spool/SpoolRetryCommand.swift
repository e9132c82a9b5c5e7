internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import ServiceProcess
internal import WebhookCore

/// `delve-webhook spool retry`
struct SpoolRetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Move events from defer or dead to new, to be handled again.",
    discussion: EventSelection.discussion("retried"))

  @OptionGroup var options: SpoolOptions
  @OptionGroup var selection: EventSelection

  func run() throws {
    try reportingErrors(while: .moving) {
      let work = WorkByHand(states: [.defer, .dead], participle: "retried") {
        (consumer, entry) throws(SpoolError) in
        try consumer.retry(entry.fileName, in: entry.state)
      }
      try work.run(selection, of: options, now: .now())
    }
  }
}
