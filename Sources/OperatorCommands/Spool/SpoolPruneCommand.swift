internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// `delve-webhook spool prune`
struct SpoolPruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Remove events that were handled long ago.",
    discussion: """
      Removes the events in done/ whose day ended before --older-than. With --dead, also removes \
      those in dead/ whose last attempt was before it. Also forgets the hours in ids/ that no \
      replay can come from any more (\(Freshness.memorySeconds / 86_400) days), as the responder \
      does by itself, and the records of attempts whose event is gone. Without --instance, also \
      removes refused requests that were kept for more than \
      \(RefusedRequests.secondsKept / 86_400) days.

      Age is also counted back from the newest event's own time: a clock that is ahead removes \
      nothing young. An event in dead/ that a running command holds stays.

      Exit code 0: everything was removed; 1: something was not, and is named.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(help: ArgumentHelp("How old, as in 12h or 30d.", valueName: "age"))
  var olderThan: Age

  @Flag(help: "Remove from dead/, too.")
  var dead = false

  @Flag(help: "Say what would be removed, and remove nothing.")
  var dryRun = false

  func run() throws {
    try reportingErrors(while: .moving) {
      let path = try options.path()
      let now = Timestamp.now()
      var failed = 0
      let reader = try options.reader()
      for instance in try options.instances(in: reader) where try reader.isInstance(instance) {
        failed += prune(instance, in: path, now)
      }
      if options.instance == nil, !dryRun { failed += removeOldRequests(in: path, now) }
      guard failed == 0 else {
        throw CommandError.negative(
          "\(failed) \(failed == 1 ? "thing" : "things") could not be removed")
      }
    }
  }

  /// The responder does so, too, but not one that answers one request and ends.
  private func removeOldRequests(in path: String, _ now: Timestamp) -> Int {
    do throws(SpoolError) {
      try RefusedRequests(inSpool: path).removeOld(now: now)
      return 0
    } catch {
      printError("\(programName): \(error.explanation)")
      return 1
    }
  }

  /// - Returns: how much could not be removed; each is named.
  private func prune(_ instance: InstanceName, in path: String, _ now: Timestamp) -> Int {
    var failed = 0
    func report(_ error: SpoolError) {
      printError("\(programName): \(error.explanation)")
      failed += 1
    }
    /// What fails as a whole does not keep the rest from being removed.
    func counting(_ body: () throws(SpoolError) -> Int) -> Int {
      do throws(SpoolError) { return try body() } catch { report(error) }
      return 0
    }
    do throws(SpoolError) {
      let consumer = try EventConsumer(of: instance, in: path)
      let pruning = try Pruning(
        of: consumer, olderThanSeconds: olderThan.seconds, now: now, isDryRun: dryRun,
        report: report)
      let days = try pruning.finishedDays()
      let bar = ProgressBar(
        total: days.reduce(0) { total, day in
          total + counting { () throws(SpoolError) in try pruning.count(ofDay: day) }
        })
      let finished = days.reduce(0) { count, day in
        count
          + counting { () throws(SpoolError) in try pruning.prune(day: day, step: bar.advance) }
      }
      bar.finish()
      let given = dead ? counting(pruning.pruneDead) : 0
      let records = counting(pruning.pruneRecords)
      if !dryRun {
        _ = counting { () throws(SpoolError) in
          try consumer.sync()
          return 0
        }
        _ = counting { () throws(SpoolError) in
          try Housekeeping(of: .openAsItIs(instance, in: path)).forgetAll(now: now)
          return 0
        }
      }
      printChange(
        "\(instance): \(finished) of done" + (dead ? ", \(given) of dead" : "")
          + (records > 0 ? ", \(records) records without an event" : "")
          + (dryRun ? " would be removed" : " removed"))
    } catch {
      report(error)
    }
    return failed
  }
}
