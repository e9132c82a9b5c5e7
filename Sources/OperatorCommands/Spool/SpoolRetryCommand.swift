internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool

/// `delve-webhook spool retry`
struct SpoolRetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Move events from defer or dead to new, to be handled again.",
    discussion: MoveByHand.discussion)

  @OptionGroup var options: SpoolOptions
  @OptionGroup var move: MoveByHand

  func run() throws {
    try move.run(options, from: [.defer, .dead], verb: "retried") { consumer, entry in
      try consumer.retry(entry.fileName, in: entry.state)
    }
  }
}
