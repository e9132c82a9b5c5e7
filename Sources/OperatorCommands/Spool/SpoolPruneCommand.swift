internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// `delve-webhook spool prune`
struct SpoolPruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Remove what was finished long ago.",
    discussion: """
      Removes the events in done/ whose day ended before --older-than, and with --dead those in dead/ \
      whose last attempt was. Also forgets the hours in ids/ that no replay can come from any more \
      (\(Freshness.memorySeconds / 86_400) days), as the responder does by itself. An event that a \
      running command holds is not touched.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(help: "How old, as in 12h or 30d.")
  var olderThan: Age

  @Flag(help: "Remove from dead/, too.")
  var dead = false

  @Flag(help: "Say what would be removed, and remove nothing.")
  var dryRun = false

  func run() throws {
    try reportingErrors(while: .moving) {
      let path = try options.path()
      let now = Timestamp.now()
      for instance in try options.instances(in: options.reader()) {
        try prune(instance, in: path, now)
      }
    }
  }

  private func prune(_ instance: InstanceName, in path: String, _ now: Timestamp) throws {
    let consumer = try EventConsumer(of: instance, in: path)
    let days = try consumer.finishedDays(endedSecondsAgo: olderThan.seconds, now: now)
    let bar = ProgressBar(total: days.count)
    var finished = 0
    for day in days {
      finished += try consumer.prune(day: day, isDryRun: dryRun)
      bar.advance()
    }
    bar.finish()
    let given =
      dead
      ? try consumer.pruneDead(olderThanSeconds: olderThan.seconds, now: now, isDryRun: dryRun)
      : 0
    if !dryRun {
      try consumer.sync()
      try Housekeeping(of: .openAsItIs(instance, in: path)).forgetAll(now: now)
    }
    printChange(
      "\(instance): \(finished) of done" + (dead ? ", \(given) of dead" : "")
        + (dryRun ? " would be removed" : " removed"))
  }
}
