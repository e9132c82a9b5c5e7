package import EventSpool
internal import Glibc
package import ServiceProcess
internal import WebhookCore

/// What became of an event.
package enum EventResult: String, CaseIterable, Sendable {
  case done, dead, released
  /// Somebody was told that it was given up.
  case told
  case putOff = "put-off"

  fileprivate var level: LogLine.Level {
    switch self {
    case .done, .told: .info
    case .putOff, .released: .warning
    case .dead: .error
    }
  }
}

/// What a program that drains the spool says: lines of the log, above the bar. Any thread may.
package struct DrainingReport: Sendable {
  package let log: Log
  package let bar: ProgressBar
  /// Whether nothing is said of what goes well.
  let isQuiet: Bool
  /// What of it is not over yet.
  let problems = StandingProblems()

  package func write(_ line: LogLine) {
    bar.interrupted {
      log.write(line)
      // Another thread writes it, and has to before the bar is drawn again.
      if bar.isShown { Log.flush() }
    }
  }

  package func leftOut(_ error: SpoolError) {
    write(LogLine(.error, "left out: \(error.message)", ["hint": .text(error.remedy)]))
  }

  /// Nothing is handled until somebody mends the spool.
  func unusable(_ error: SpoolError, pause: Double) {
    let message = "no event is handled: \(error.message)"
    problems.begin(.spool, message)
    write(
      LogLine(
        .error, message,
        ["hint": .text(error.remedy), "pause": .text(inSeconds(pause))]))
  }

  func usableAgain() {
    problems.end(.spool)
    write(LogLine(.notice, "events are handled again"))
  }

  /// What became of the event cannot be recorded, and nothing else begins.
  func unsettled(_ event: ClaimedEvent, _ error: SpoolError, pause: Double) {
    let message = "what became of an event cannot be recorded: \(error.message)"
    problems.begin(.event(path: event.path), message)
    write(
      LogLine(
        .error, message,
        [
          "instance": .text("\(event.instance)"), "file": .text(event.fileName),
          "hint": .text(error.remedy), "pause": .text(inSeconds(pause)),
        ]))
  }

  /// It is recorded, or is not to be.
  func endUnsettled(_ event: ClaimedEvent) { problems.end(.event(path: event.path)) }

  func leftUnsettled(_ event: ClaimedEvent) {
    write(
      LogLine(
        .error,
        event.isGivenUp
          ? "that somebody was told of the event is not recorded: it will be told again"
          : "what became of the event is not recorded: it stays in cur, and counts as tried",
        ["instance": .text("\(event.instance)"), "file": .text(event.fileName)]))
  }

  func settledAtLast(_ event: ClaimedEvent) {
    write(
      LogLine(
        .notice, "what became of the event is recorded",
        ["instance": .text("\(event.instance)"), "file": .text(event.fileName)]))
  }

  /// - Parameter running: how many are in hand, if that is a number.
  package func stopping(running: Int? = nil) {
    write(
      LogLine(
        .notice, "stopping",
        [
          "running": running.map { .number($0) },
          "hint": running == 0 ? nil : .text("a second signal ends what runs at once"),
        ]))
  }

  /// The target takes no events.
  package func unavailable(_ problem: String, pause: Double) {
    problems.begin(.target, "the target takes no events: \(problem)")
    write(
      LogLine(
        .warning, "",
        [
          "result": .text("unavailable"), "problem": .text(problem),
          "pause": .text(inSeconds(pause)),
        ]))
  }

  /// A target has taken some events: one line a batch, for an event that arrived is found there. If a
  /// bar is shown, it says enough.
  package func delivered(_ count: Int, in time: Duration) {
    guard count > 0 else { return }
    problems.end(.target)
    if bar.isShown || isQuiet { return }
    write(
      LogLine(
        .info, "",
        [
          "result": .text(EventResult.done.rawValue), "events": .number(count),
          "ms": .number(time.milliseconds),
        ]))
  }

  /// The event's file holds no event, and it was given up.
  package func noEvent(_ event: ClaimedEvent) {
    bar.advance()
    result(.dead, of: event, id: nil, .noEvent)
  }

  /// One event's result. If a bar is shown, it says enough of what went well. At a terminal it is one
  /// line of the terminal, and has no time, which a person has by other means.
  package func result(
    _ result: EventResult, of event: ClaimedEvent, id: String?, _ ending: AttemptRecord.Ending,
    attempt: Int? = nil, time: Duration? = nil
  ) {
    if bar.isShown || isQuiet, result.level == .info { return }
    let (name, value) = ending.field
    if isErrorTerminal {
      let attempt = attempt.map { ", attempt \($0)" } ?? ""
      let line =
        "\(result.rawValue) \(event.instance) \(shortName(event.fileName)): "
        + "\(name)=\(printable(value))\(attempt)"
      let columns = (terminalColumns(STDERR_FILENO) ?? defaultColumns) - 1
      return bar.interrupted { printError(String(line.prefix(columns))) }
    }
    write(
      LogLine(
        result.level, "",
        [
          "result": .text(result.rawValue), "instance": .text("\(event.instance)"),
          "id": id.map { .text($0) }, "file": id == nil ? .text(event.fileName) : nil,
          name: .text(value), "attempt": attempt.map { .number($0) },
          "ms": time.map { .number($0.milliseconds) },
        ]))
  }
}

/// The event's, as a person needs it to recognise it, and to name it to other commands.
private func shortName(_ file: String) -> String {
  guard let name = EventFileName(parsing: file) else { return printable(file) }
  let words = [name.kind, name.status, name.claimID.prefix(20), name.idPrefix.prefix(8)]
  return words.map { printable(String($0)) }.joined(separator: " ")
}

/// As in `2s`, rounded up.
func inSeconds(_ seconds: Double) -> String { "\(Int(seconds.rounded(.up)))s" }
