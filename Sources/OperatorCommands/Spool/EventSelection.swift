internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import WebhookCore

/// Events that are named on the command line or on standard input.
struct EventSelection: ParsableArguments {
  static let discussion = """
    EVENT is a file's name, its path, or the beginning of the event's id (at least 6 digits); with - \
    they are read from standard input, one a line. Prints the path of each event that it moved. \
    An event that a running command holds is not touched.

    Exit code 0: every event was moved; 1: one was not.
    """

  @Flag(help: "Say what would be moved, and move nothing.")
  var dryRun = false

  @Argument(help: "Events, or - for names on standard input.")
  var events: [String]

  /// The names, in their order.
  func names() -> [String] {
    guard events == ["-"] else { return events }
    var names: [String] = []
    while let line = readLine() {
      if !line.isEmpty { names.append(line) }
    }
    return names
  }
}

/// Moves the selected events, one after the other. An event that cannot be moved is named, and the
/// rest is moved.
/// - Parameters:
///   - states: where they may lie.
///   - verb: what has happened to those that were moved.
func moveAll(
  _ selection: EventSelection, of options: SpoolOptions, from states: [EventState], verb: String,
  _ move: @escaping (EventConsumer, SpoolEntry) throws(SpoolError) -> Void
) throws {
  let reader = try options.reader()
  let instances = try options.instances(in: reader)
  let found = try reader.events(named: selection.names(), of: instances, in: states)
  let work = MoveByHand(
    in: try options.path(), instances: Set(found.compactMap { try? $0.get().instance }),
    isDryRun: selection.dryRun, move)
  for event in found { work.move(event) }
  work.sync()
  printError(
    "\(work.moved) \(work.moved == 1 ? "event" : "events") "
      + "\(selection.dryRun ? "would be " : "")\(verb)"
      + (work.failed == 0 ? "" : ", \(work.failed) not"))
  guard work.failed > 0 else { return }
  // If nothing could be moved for one reason, that is the exit code's. Of another layout, nobody
  // knows where events lie.
  if work.moved == 0,
    let failure = work.failure ?? instances.compactMap(reader.layoutProblem).first
  {
    throw ExitCode(CommandError(failure, while: .moving).exitCode)
  }
  throw ExitCode.failure
}

/// Moves events, and counts.
private final class MoveByHand {
  private let isDryRun: Bool
  private let step: (EventConsumer, SpoolEntry) throws(SpoolError) -> Void
  private var consumers: [InstanceName: EventConsumer] = [:]
  /// Why the folders of an instance cannot be used.
  private(set) var failure: SpoolError?
  private(set) var moved = 0
  private(set) var failed = 0

  init(
    in path: String, instances: Set<InstanceName>, isDryRun: Bool,
    _ step: @escaping (EventConsumer, SpoolEntry) throws(SpoolError) -> Void
  ) {
    self.isDryRun = isDryRun
    self.step = step
    for instance in instances {
      do throws(SpoolError) {
        let consumer = try EventConsumer(of: instance, in: path)
        if !isDryRun { try consumer.requireReady() }
        consumers[instance] = consumer
      } catch {
        failure = error
        printError("\(programName): \(error.explanation)")
      }
    }
  }

  func move(_ event: Result<SpoolEntry, CommandError>) {
    do {
      let entry = try event.get()
      try move(entry)
      printChange(printable(entry.path))
      moved += 1
    } catch let error as SpoolError {
      fail(error.explanation)
    } catch {
      fail("\(error)")
    }
  }

  private func move(_ entry: SpoolEntry) throws {
    guard let consumer = consumers[entry.instance] else {
      throw CommandError.negative("\(printable(entry.path)): its instance's folders cannot be used")
    }
    switch try consumer.hold(entry.fileName, in: entry.state) {
    case .mine(let held):
      if !isDryRun { try step(consumer, entry) }
      _ = consume held
    case .somebodyElses:
      throw CommandError.negative("\(printable(entry.path)): a running command holds it")
    case .gone:
      throw CommandError.negative("\(printable(entry.path)): it is not there any more")
    }
  }

  /// Makes what was moved durable.
  func sync() {
    for consumer in consumers.values where !isDryRun {
      do throws(SpoolError) { try consumer.sync() } catch { fail(error.explanation) }
    }
  }

  private func fail(_ message: String) {
    printError("\(programName): \(message)")
    failed += 1
  }
}
