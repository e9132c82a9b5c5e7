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
      Removes the days in done/ that ended longer ago than --older-than says. With --dead, also \
      removes the events in dead/ whose last attempt was longer ago. Also forgets the hours in \
      ids/ that no replay can come from any more (\(Freshness.memorySeconds / 86_400) days), as \
      the responder does by itself, and the records of attempts whose event is gone. Without \
      --instance, also removes refused requests that were kept for more than \
      \(RefusedRequests.secondsKept / 86_400) days.

      Age also counts back from the newest event: what is not that much older, neither by its own \
      time nor by its day, stays. So a clock that is ahead removes nothing recent. An event in dead/ \
      that a running command holds stays until the next time.

      Exit code 0: all else of that age was removed; 1: something could not be, and is named, or a \
      signal ended it; 66: no such spool or instance; 74: the spool failed; 77: the spool belongs to \
      another user.
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
      let failures = Failures()
      let reader = try options.reader()
      let instances = try options.instances(in: reader)
      let signals = try StopSignals()
      func mayGoOn() -> Bool {
        signals.read()
        return !signals.request.isMade
      }
      for instance in instances where mayGoOn() {
        let isThere = failures.catching { () throws(SpoolError) in
          try reader.isInstance(instance)
        }
        if isThere == true { prune(instance, in: path, now, mayGoOn, failures) }
      }
      if options.instance == nil, !dryRun, mayGoOn() {
        // The responder does so, too, but not one that answers one request and ends.
        failures.catching { () throws(SpoolError) in
          try RefusedRequests(inSpool: path).removeOld(now: now)
        }
      }
      if let exitCode = failures.exitCode {
        printError(
          "\(programName): \(failures.count) \(failures.count == 1 ? "thing" : "things") could "
            + "not be removed")
        throw ExitCode(exitCode)
      }
      if !mayGoOn() { throw CommandError.negative("a signal ended it before its end") }
    }
  }

  /// What could not be removed: it is named, and the rest is removed all the same.
  private final class Failures {
    private(set) var count = 0
    /// What is wrong with the spool, if that is why.
    private var ofSpool: SpoolError?

    func report(_ error: SpoolError) {
      let error = error.forUser
      printError("\(programName): \(error.explanation)")
      count += 1
      if error.concern != .event, ofSpool == nil { ofSpool = error }
    }

    @discardableResult
    func catching<Result>(_ body: () throws(SpoolError) -> Result) -> Result? {
      do throws(SpoolError) { return try body() } catch { report(error) }
      return nil
    }

    /// Nil if there was none.
    var exitCode: Int32? {
      if let ofSpool { return CommandError(ofSpool, while: .moving).exitCode }
      return count > 0 ? EXIT_FAILURE : nil
    }
  }

  private func prune(
    _ instance: InstanceName, in path: String, _ now: Timestamp, _ mayGoOn: @escaping () -> Bool,
    _ failures: Failures
  ) {
    func counting(_ body: () throws(SpoolError) -> Int) -> Int { failures.catching(body) ?? 0 }
    failures.catching { () throws(SpoolError) in
      let consumer = try EventConsumer(of: instance, in: path)
      let pruning = try Pruning(
        of: consumer, olderThanSeconds: olderThan.seconds, now: now, isDryRun: dryRun,
        mayGoOn: mayGoOn, report: failures.report)
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
        failures.catching { () throws(SpoolError) in
          try consumer.sync()
          guard mayGoOn() else { return }
          try Housekeeping(of: .openAsItIs(instance, in: path)).forgetAll(now: now)
        }
      }
      printChange(
        "\(instance): \(finished) of done" + (dead ? ", \(given) of dead" : "")
          + (records > 0 ? ", \(records) records without an event" : "")
          + (dryRun ? " would be removed" : " removed"))
    }
  }
}
