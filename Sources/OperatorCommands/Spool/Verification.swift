internal import CommandLineProgram
internal import Dispatch
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import StrictJSON
internal import Synchronization
internal import WebhookCore

/// Checks the proof in every event of a spool on all cores, while consumers move and remove events.
/// However many there are, a few bytes are kept of each.
struct Verification {
  /// What the events of an instance are checked by.
  struct Verifier: Sendable {
    let keys: [VerificationKey]
    /// Nil if it is not known.
    let url: String?
  }

  struct Problem: Sendable {
    let path: String
    let sentence: String
  }

  struct Counts {
    let held, failed, removed: Int

    var json: JSONObject {
      ["verified": .number(held), "failed": .number(failed), "removed": .number(removed)]
    }

    var sentence: String {
      let removed =
        switch removed {
        case 0: ""
        case 1: "; 1 was removed meanwhile"
        default: "; \(removed) were removed meanwhile"
        }
      return "\(held) of \(held + failed) events hold\(removed)"
    }
  }

  /// So many are checked at a time, and kept in memory.
  private static let batchSize = 1_024

  private let reader: SpoolReader
  private let check: EventCheck
  private let isStopped: () -> Bool
  private let report: (Problem) -> Void
  private var tally = Tally()

  /// - Parameters:
  ///   - isStopped: is asked from time to time; no further event is checked then.
  ///   - report: is called with each problem when it is found.
  init(
    of reader: SpoolReader, by verifiers: [InstanceName: Verifier],
    isStopped: @escaping () -> Bool, report: @escaping (Problem) -> Void
  ) {
    self.reader = reader
    check = EventCheck(reader: reader, verifiers: verifiers)
    (self.isStopped, self.report) = (isStopped, report)
  }

  // MARK: All events

  mutating func run(of instances: [InstanceName]) throws(SpoolError) -> Counts {
    var total = 0
    try forEachName(of: instances) { _, _ in total += 1 }
    let bar = ProgressBar(total: total)
    defer { bar.finish() }
    try checkEvents(of: instances, bar) { _, _ in true }
    // Events that have moved against the order of the first look.
    try checkEvents(of: instances, bar) { tally, id in !tally.isSettled(id) }
    return tally.counts
  }

  private mutating func checkEvents(
    of instances: [InstanceName], _ bar: ProgressBar,
    where isWanted: (Tally, SeenEvent.ID) -> Bool
  ) throws(SpoolError) {
    var batch: [SeenEvent] = []
    try forEachName(of: instances) { name, place in
      let id = SeenEvent.id(of: name, place.instance)
      guard isWanted(tally, id), !isStopped() else { return }
      batch.append(SeenEvent(id: id, name: name, place: place))
      if batch.count == Self.batchSize {
        settle(batch, bar)
        batch.removeAll(keepingCapacity: true)
      }
    }
    if !isStopped() { settle(batch, bar) }
  }

  private func forEachName(
    of instances: [InstanceName], _ body: (UnsafeRawBufferPointer, SpoolPlace) -> Void
  ) throws(SpoolError) {
    for instance in instances {
      // In the order in which most events move.
      for state in EventState.allCases {
        try reader.forEachName(of: instance, in: state) { name, day in
          body(name, SpoolPlace(instance: instance, state: state, day: day))
        }
      }
    }
  }

  // MARK: Some events

  private mutating func settle(_ batch: [SeenEvent], _ bar: ProgressBar) {
    endIfUnread()
    for (event, outcome) in zip(batch, outcomes(of: batch, bar)) {
      guard tally.settle(event.id, outcome), case .fails(let problem) = outcome else { continue }
      bar.interrupted { report(problem) }
    }
  }

  /// In the order of the batch.
  private func outcomes(of batch: [SeenEvent], _ bar: ProgressBar) -> [Outcome] {
    let check = check
    let outcomes = Mutex([Outcome](repeating: .isNowhere, count: batch.count))
    DispatchQueue.concurrentPerform(iterations: batch.count) { index in
      let outcome = check.outcome(of: batch[index])
      outcomes.withLock { $0[index] = outcome }
      bar.advance()
    }
    return outcomes.withLock { $0 }
  }
}

/// Checks one event. Any number of threads may use it at once.
private struct EventCheck: Sendable {
  let reader: SpoolReader
  let verifiers: [InstanceName: Verification.Verifier]

  func outcome(of event: SeenEvent) -> Outcome {
    let entry = event.entry
    guard event.hasText else { return failure(of: entry, "its name is not UTF-8") }
    guard let verifier = verifiers[entry.instance] else {
      return failure(of: entry, "no keys are configured for its instance")
    }
    do throws(SpoolError) {
      guard let (line, found) = try reader.contents(following: entry, now: .now()) else {
        return .isNowhere
      }
      return outcome(of: line, found, by: verifier)
    } catch {
      return failure(of: entry, error.message)
    }
  }

  private func outcome(
    of line: [UInt8], _ entry: SpoolEntry, by verifier: Verification.Verifier
  ) -> Outcome {
    let place = EventPlace(fileName: entry.fileName, instance: entry.instance, url: verifier.url)
    do throws(ProofError) {
      try verifyProof(of: line, at: place, by: verifier.keys)
      return .holds
    } catch {
      return failure(of: entry, error.sentence)
    }
  }

  private func failure(of entry: SpoolEntry, _ sentence: String) -> Outcome {
    .fails(Verification.Problem(path: entry.path, sentence: sentence))
  }
}

private enum Outcome: Sendable {
  case holds, isNowhere
  case fails(Verification.Problem)
}

/// An event as it was seen in a folder.
private struct SeenEvent: Sendable {
  /// The same wherever the event lies, and not to be guessed: the hash has another key in each
  /// process.
  typealias ID = Int

  let id: ID
  let entry: SpoolEntry
  /// Whether its name is text, so that it can be opened by it.
  let hasText: Bool

  init(id: ID, name: UnsafeRawBufferPointer, place: SpoolPlace) {
    self.id = id
    hasText = String(validating: name, as: UTF8.self) != nil
    entry = SpoolEntry(place: place, fileName: String(decoding: name, as: UTF8.self))
  }

  static func id(of name: UnsafeRawBufferPointer, _ instance: InstanceName) -> ID {
    var hasher = Hasher()
    hasher.combine(instance)
    hasher.combine(bytes: name)
    return hasher.finalize()
  }
}

/// What has become of each event. One that lies in two folders, or is seen in both while it moves,
/// is one; if either file fails, it fails.
private struct Tally {
  private var held: Set<SeenEvent.ID> = []
  private var failed: Set<SeenEvent.ID> = []
  private var missing: Set<SeenEvent.ID> = []

  func isSettled(_ id: SeenEvent.ID) -> Bool { held.contains(id) || failed.contains(id) }

  /// - Returns: whether this is news.
  mutating func settle(_ id: SeenEvent.ID, _ outcome: Outcome) -> Bool {
    switch outcome {
    case .isNowhere: return !isSettled(id) && missing.insert(id).inserted
    case .holds:
      missing.remove(id)
      return !failed.contains(id) && held.insert(id).inserted
    case .fails:
      missing.remove(id)
      held.remove(id)
      return failed.insert(id).inserted
    }
  }

  var counts: Verification.Counts {
    Verification.Counts(held: held.count, failed: failed.count, removed: missing.count)
  }
}
