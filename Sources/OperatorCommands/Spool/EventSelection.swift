internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookCore

/// Events that are named on the command line or on standard input, or all that a filter lets pass.
struct EventSelection: ParsableArguments {
  /// - Parameter participle: what happens to an event, as in `retried`.
  static func discussion(_ participle: String) -> String {
    """
    EVENT is a file's name, its path, the beginning of the event's id (at least 6 digits), or the \
    FILE ID that `spool list` shows. With -, the names are read from standard input, one a line. \
    With --all, the options --state to --match choose the events, as for `spool list`: look first \
    with --dry-run.

    Prints the path of each event that was \(participle). Standard error has their number. An \
    event that a running command holds is not touched. If an event cannot be \(participle), \
    the command names it and goes on.

    Exit code 0: every event was \(participle), if there was any; 1: an event was not; 74: the \
    spool failed; 77: the spool belongs to another user.
    """
  }

  @Flag(help: "All events, or those that the options below let pass.")
  var all = false

  @Option(help: "Only events in this folder. Repeatable.")
  var state: [EventState] = []

  @OptionGroup var filter: EventFilter

  @Flag(help: "Say what would be done, and change nothing.")
  var dryRun = false

  @Argument(
    help: ArgumentHelp("Events, or - for names on standard input.", valueName: "event"),
    completion: SpoolCompletion.events(in: [.dead, .defer, .cur, .new]))
  var events: [String] = []

  func validate() throws {
    guard all != !events.isEmpty else {
      throw ValidationError("Name events, or pass --all: one of both.")
    }
    guard all || (state.isEmpty && filter.isEmpty) else {
      throw ValidationError("Options that choose events, such as --state or --match, need --all.")
    }
  }

  /// The names, in their order.
  private func names() throws(CommandError) -> [String] {
    guard events == ["-"] else { return events }
    return try inputContents(nil, maxBytes: 1 << 26)
      .split(whereSeparator: { [UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains($0) })
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// - Parameter states: where they can lie.
  fileprivate func events(
    in reader: SpoolReader, of instances: [InstanceName], in states: [EventState], now: Timestamp
  ) throws -> SelectedEvents {
    guard all else {
      return .named(try reader.events(named: try names(), of: instances, in: states))
    }
    return .listed(
      try reader.listing(
        of: instances, in: states.filter { state.isEmpty || state.contains($0) },
        where: filter.test(in: reader, now: now.seconds)))
  }
}

/// Events that were found, and names by which none was.
private enum SelectedEvents {
  case named([Result<SpoolEntry, CommandError>])
  case listed(SpoolListing)

  /// How many events there are in each place.
  var counts: [(place: SpoolPlace, count: Int)] {
    switch self {
    case .named(let events):
      var counts: [SpoolPlace: Int] = [:]
      for event in events.compactMap({ try? $0.get() }) { counts[event.place, default: 0] += 1 }
      return counts.map { ($0.key, $0.value) }.sorted { $0.place.path < $1.place.path }
    case .listed(let listing): return listing.counts
    }
  }

  func forEach(_ body: (Result<SpoolEntry, CommandError>) -> Void) {
    switch self {
    case .named(let events): events.forEach(body)
    case .listed(let listing):
      listing.forEach { name, place in
        let entry = SpoolEntry(place: place, fileName: String(decoding: name, as: UTF8.self))
        let isText = entry.fileName.utf8.elementsEqual(name)
        let foreign = SpoolError(.foreignName, entry.path, of: .event)
        body(isText ? .success(entry) : .failure(.negative(foreign.explanation)))
      }
    }
  }
}

/// What is done by hand to events, one after the other.
struct WorkByHand {
  /// Where the events may lie, in the order in which they are done.
  let states: [EventState]
  /// What has happened then, as in `retried`.
  let participle: String
  /// Whether to go on, by how many there are in each place.
  var isWanted: ([(place: SpoolPlace, count: Int)]) throws -> Bool = { _ in true }
  let step: (EventConsumer, SpoolEntry) throws(SpoolError) -> Void

  /// An event for which that fails is named, and the rest is done.
  func run(_ selection: EventSelection, of options: SpoolOptions, now: Timestamp) throws {
    if let other = selection.state.first(where: { !states.contains($0) }) {
      throw CommandError.usage(
        "--state \(other.rawValue): events that lie in "
          + "\(states.map(\.rawValue).joined(separator: ", ")) can be \(participle)")
    }
    let reader = try options.reader()
    let instances = try options.instances(in: reader)
    let events = try selection.events(in: reader, of: instances, in: states, now: now)
    let counts = events.counts
    let total = counts.reduce(0) { $0 + $1.count }
    let work = MoveByHand(
      in: try options.path(), instances: Set(counts.map(\.place.instance)),
      isDryRun: selection.dryRun, passesOverGone: selection.all, step)
    // What cannot be done is not asked for.
    guard try selection.dryRun || !work.canMove || isWanted(counts) else {
      throw CommandError.negative("no event was \(participle)")
    }
    let signals = try StopSignals()
    let bar = ProgressBar(total: total)
    events.forEach { event in
      signals.read()
      guard !signals.request.isMade else { return work.leave() }
      bar.interrupted { work.move(event, signals) }
      bar.advance()
    }
    bar.finish()
    work.sync()
    printError(
      "\(eventCount(work.moved)) \(selection.dryRun ? "would be " : "")\(participle)"
        + (work.failed == 0 ? "" : ", \(work.failed) not")
        + (work.left == 0 ? "" : ", \(work.left) left because of a signal"))
    // Whether the moves outlive a power cut is not known.
    if let failure = work.syncFailure {
      throw ExitCode(CommandError(failure, while: .moving).exitCode)
    }
    guard work.failed + work.left > 0 else { return }
    // If nothing could be moved for one reason, that is the exit code's. Of another layout, nobody
    // knows where events lie.
    if work.moved == 0,
      let failure = work.failure ?? instances.compactMap(reader.layoutProblem).first
    {
      throw ExitCode(CommandError(failure, while: .moving).exitCode)
    }
    throw ExitCode.failure
  }
}

func eventCount(_ count: Int) -> String { "\(count) \(count == 1 ? "event" : "events")" }

/// Moves events, and counts.
private final class MoveByHand {
  private let isDryRun: Bool
  /// Whether an event that is not there any more is no failure.
  private let passesOverGone: Bool
  private let step: (EventConsumer, SpoolEntry) throws(SpoolError) -> Void
  private var consumers: [InstanceName: EventConsumer] = [:]
  /// What is wrong with more than one event.
  private(set) var failure: SpoolError?
  /// Why what was moved could not be made durable.
  private(set) var syncFailure: SpoolError?
  private(set) var moved = 0
  private(set) var failed = 0
  /// How many were not begun.
  private(set) var left = 0
  /// What is wrong with more than one event is said once.
  private var said: Set<String> = []

  init(
    in path: String, instances: Set<InstanceName>, isDryRun: Bool, passesOverGone: Bool,
    _ step: @escaping (EventConsumer, SpoolEntry) throws(SpoolError) -> Void
  ) {
    self.isDryRun = isDryRun
    self.passesOverGone = passesOverGone
    self.step = step
    for instance in instances {
      do throws(SpoolError) {
        let consumer = try EventConsumer(of: instance, in: path)
        if !isDryRun { try consumer.requireReady() }
        consumers[instance] = consumer
      } catch {
        failure = error
        say(error.forUser)
      }
    }
  }

  /// Whether there is an instance with events whose folders can be used.
  var canMove: Bool { !consumers.isEmpty }

  /// Passes over an event.
  func leave() { left += 1 }

  /// - Parameter signals: the second one ends waiting for whoever reads standard output.
  func move(_ event: Result<SpoolEntry, CommandError>, _ signals: StopSignals) {
    do {
      let entry = try event.get()
      guard let consumer = consumers[entry.instance] else {
        // Its cause was said.
        failed += 1
        return
      }
      guard try move(entry, by: consumer) else { return }
      moved += 1
      if signals.mayWrite(to: STDOUT_FILENO) { printChange(printable(entry.path)) }
    } catch let error as SpoolError {
      failed += 1
      if error.concern != .event { failure = error.forUser }
      say(error.forUser)
    } catch {
      failed += 1
      printError("\(programName): \(error)")
    }
  }

  /// - Returns: false if it is passed over.
  private func move(_ entry: SpoolEntry, by consumer: EventConsumer) throws -> Bool {
    switch try consumer.hold(entry.fileName, in: entry.state) {
    case .mine(let held):
      if !isDryRun { try step(consumer, entry) }
      _ = consume held
      return true
    case .somebodyElses:
      throw CommandError.negative("\(printable(entry.path)): a running command holds it")
    case .gone where passesOverGone: return false
    case .gone:
      throw CommandError.negative("\(printable(entry.path)): it is not there any more")
    }
  }

  /// Makes what was moved durable.
  func sync() {
    for consumer in consumers.values where !isDryRun {
      do throws(SpoolError) {
        try consumer.sync()
      } catch {
        syncFailure = error
        say(error)
      }
    }
  }

  private func say(_ error: SpoolError) {
    guard error.concern == .event || said.insert(error.explanation).inserted else { return }
    printError("\(programName): \(error.explanation)")
  }
}
