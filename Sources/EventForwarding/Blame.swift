/// Decides whose failure it is if a target does not take an event: the event's, if the target takes
/// others. Knows events by their files' names. Takes no clock.
struct Blame {
  /// After so many failures in a row, the target takes none.
  private static let mostFailuresInARow = 10
  /// The same of events that are guilty.
  private static let mostGuiltyInARow = 50
  /// So long after it took one, a single event that it does not take is to blame.
  private static let timeOfTrust = Duration.seconds(10)
  /// So long after it took what it had refused, nothing is given up: it does not decide by the event.
  private static let timeOfDistrust = Duration.seconds(300)
  /// So many events that failed are remembered.
  private static let mostRemembered = 100_000

  /// What is known of an event that failed.
  enum Standing: Equatable {
    /// It failed before, and the target has taken others since.
    case guilty
    /// It may be the target's failure.
    /// - Parameter again: it failed before, too.
    case inDoubt(again: Bool)
  }

  /// What an event has to suffer.
  enum Verdict {
    case stay, putOff, giveUp
  }

  private struct Failure {
    /// How many the target had taken when the event failed first.
    let taken: Int
    /// Whether the target took others about that time.
    var whileTaking = false
    /// How many failures there had been when it failed last.
    var last = 0
  }

  /// How many events the target has taken.
  private(set) var taken = 0
  private var lastTaken: SuspendingClock.Instant?
  private var lastChangeOfMind: SuspendingClock.Instant?
  private var failuresInAll = 0
  private var failedInARow = 0
  private var guiltyInARow = 0
  /// Those that failed and have not paid.
  private var failures: [String: Failure] = [:]

  mutating func wasTaken(_ name: String, at now: SuspendingClock.Instant) {
    if failures[name]?.whileTaking == true { lastChangeOfMind = now }
    taken += 1
    lastTaken = now
    (failedInARow, guiltyInARow) = (0, 0)
    failures[name] = nil
  }

  /// - Parameter slack: so many that were taken since may have been on their way before it failed.
  mutating func failed(_ name: String, slack: Int = 0) -> Standing {
    failuresInAll += 1
    let before = failures[name]
    failures[name]?.last = failuresInAll
    if let before, taken > before.taken + slack {
      guiltyInARow += 1
      return .guilty
    }
    failedInARow += 1
    if failures.count > Self.mostRemembered { failures = [:] }
    if before == nil { failures[name] = Failure(taken: taken, last: failuresInAll) }
    return .inDoubt(again: before != nil)
  }

  /// The target takes others, though not this one.
  mutating func noteTargetTakes(butNot name: String) { failures[name]?.whileTaking = true }

  mutating func hasPaid(_ name: String) { failures[name] = nil }

  func isKnown(_ name: String) -> Bool { failures[name] != nil }

  /// Whether the first event is the better one to find out by whether the target takes any: it has not
  /// failed, or has not failed for longer.
  func isBetterToTry(_ name: String, than other: String) -> Bool {
    (failures[name]?.last ?? 0) < (failures[other]?.last ?? 0)
  }

  /// Whether the target takes none, as it seems: no further event is to be tried.
  var targetTakesNone: Bool {
    failedInARow >= Self.mostFailuresInARow || guiltyInARow >= Self.mostGuiltyInARow
  }

  /// Whether it is the target's failure that some events of a batch are in doubt.
  /// - Parameters:
  ///   - inDoubt: how many; `notNew`: whether all of them were put off before, while others passed.
  ///   - tookSome: whether it took others of the batch.
  func isTargets(
    inDoubt: Int, notNew: Bool = false, tookSome: Bool, at now: SuspendingClock.Instant
  ) -> Bool {
    inDoubt > 0
      && (targetTakesNone || !(tookSome || notNew || trusts(inDoubt: inDoubt, at: now)))
  }

  /// What becomes of an event if the failure is not the target's. What was refused is asked again
  /// before it is given up, for the target may have begun to take others in between.
  /// - Parameters:
  ///   - putOffBefore: by an answer or none, by an earlier program perhaps; it is not to be tried at
  ///     once again.
  ///   - refusedBefore: by the same answer.
  func verdict(
    isRefusal: Bool, _ standing: Standing, putOffBefore: Bool, refusedBefore: Bool, inDoubt: Int,
    tookSome: Bool, at now: SuspendingClock.Instant
  ) -> Verdict {
    guard isRefusal else { return .putOff }
    let isFickle = lastChangeOfMind.map { now - $0 < Self.timeOfDistrust } ?? false
    if standing == .guilty || (refusedBefore && tookSome) { return isFickle ? .putOff : .giveUp }
    if putOffBefore { return .putOff }
    return standing == .inDoubt(again: true) && trusts(inDoubt: inDoubt, at: now) ? .putOff : .stay
  }

  /// Whether no more than one event is in doubt, and the target took another one just now.
  private func trusts(inDoubt: Int, at now: SuspendingClock.Instant) -> Bool {
    inDoubt == 1 && (lastTaken.map { now - $0 < Self.timeOfTrust } ?? false)
  }
}
