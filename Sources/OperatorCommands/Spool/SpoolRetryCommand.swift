internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool

/// `delve-webhook spool retry`
struct SpoolRetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Move events from defer or dead to new, to be handled again.",
    discussion: EventSelection.discussion)

  @OptionGroup var options: SpoolOptions
  @OptionGroup var selection: EventSelection

  func run() throws {
    try reportingErrors(while: .moving) {
      try moveAll(
        selection, of: options, from: [.defer, .dead], verb: "retried"
      ) { (consumer, entry) throws(SpoolError) in
        try consumer.retry(entry.fileName, in: entry.state)
      }
    }
  }
}
