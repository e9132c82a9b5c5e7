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
      (eight days), as the responder does by itself. What a running command holds is not touched.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(help: "How old, as in 12h or 30d.")
  var olderThan: Age

  @Flag(help: "Remove from dead/, too.")
  var dead = false

  @Flag(help: "Say what would be removed, and remove nothing.")
  var dryRun = false

  func run() throws {
    try reportingFailures {
      do {
        try prune()
      } catch let error as SystemError {
        throw CommandFailure.spool(error)
      } catch let error as SpoolSetupError {
        throw CommandFailure(description: error.message, exitCode: EX_IOERR)
      }
    }
  }

  private func prune() throws {
    let path = try options.path()
    let now = Timestamp.now()
    for instance in try options.instances(in: options.reader()) {
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
        try forgetOldHours(of: instance, in: path, now)
      }
      printResult(
        "\(instance): \(finished) of done" + (dead ? ", \(given) of dead" : "")
          + (dryRun ? " would be removed" : " removed"))
    }
  }

  private func forgetOldHours(
    of instance: InstanceName, in path: String, _ now: Timestamp
  ) throws {
    do throws(SpoolFailure) {
      let spool: InstanceSpool
      do throws(SpoolSetupError) {
        spool = try InstanceSpool.openAsItIs(instance, in: path)
      } catch {
        throw error.failure
      }
      try Housekeeping(of: spool).forgetAll(now: now)
    } catch {
      guard case .call(let call) = error else {
        throw CommandFailure(description: "ids/ could not be pruned", exitCode: EX_IOERR)
      }
      throw CommandFailure.spool(call)
    }
  }
}
