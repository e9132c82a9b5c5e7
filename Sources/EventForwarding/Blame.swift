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
    /// So many at most had been handed over when the event failed first: what the target has taken
    /// beyond them, it took later.
    var taken: Int
    /// How often the target refused the event.
    var refusals = 0
    /// Whether there was an answer the last time.
    var wasAnswered = false
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
  /// Those of them that failed for the first time in this batch.
  private var newlyFailed: [String] = []

  mutating func wasTaken(_ name: String, at now: SuspendingClock.Instant) {
    if failures[name]?.whileTaking == true { lastChangeOfMind = now }
    taken += 1
    lastTaken = now
    (failedInARow, guiltyInARow) = (0, 0)
    failures[name] = nil
  }

  /// - Parameters:
  ///   - isRefusal: for what it is.
  ///   - wasAnswered: at once, as it is hoped; without an answer, its time limit was over.
  ///   - slack: so many may be on their way just now.
  mutating func failed(
    _ name: String, isRefusal: Bool = false, wasAnswered: Bool = false, slack: Int = 0
  ) -> Standing {
    if failures.count > Self.mostRemembered { failures = [:] }
    failuresInAll += 1
    let before = failures[name]
    var failure = before ?? Failure(taken: taken + slack)
    failure.last = failuresInAll
    failure.wasAnswered = wasAnswered
    if isRefusal { failure.refusals += 1 }
    failures[name] = failure
    if before != nil, taken > failure.taken {
      guiltyInARow += 1
      return .guilty
    }
    failedInARow += 1
    if before == nil { newlyFailed.append(name) }
    return .inDoubt(again: before != nil)
  }

  /// Nothing is on its way any more.
  mutating func batchHasEnded() {
    for name in newlyFailed {
      guard let failure = failures[name] else { continue }
      failures[name]?.taken = min(failure.taken, taken)
    }
    newlyFailed = []
  }

  /// The target takes others, though not this one.
  mutating func noteTargetTakes(butNot name: String) { failures[name]?.whileTaking = true }

  mutating func hasPaid(_ name: String) { failures[name] = nil }

  func isKnown(_ name: String) -> Bool { failures[name] != nil }

  /// Whether an event that failed is the first of its batch, so that it pays if others were taken
  /// meanwhile: ten that have not failed yet may stop the batch. What costs its time limit comes last.
  func goesFirst(_ name: String) -> Bool { failures[name]?.wasAnswered ?? false }

  /// How often the target has refused it since it paid last.
  func refusals(of name: String) -> Int { failures[name]?.refusals ?? 0 }

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
  ///   - refusals: how often it was refused since it paid last, this time included.
  ///   - putOffBefore: by an answer or none, by an earlier program perhaps; it is not to be tried at
  ///     once again.
  ///   - refusedBefore: by the same answer, when it was put off.
  func verdict(
    refusals: Int, isRefusal: Bool, _ standing: Standing, putOffBefore: Bool, refusedBefore: Bool,
    inDoubt: Int, tookSome: Bool, at now: SuspendingClock.Instant
  ) -> Verdict {
    guard isRefusal else { return .putOff }
    let isFickle = lastChangeOfMind.map { now - $0 < Self.timeOfDistrust } ?? false
    let isSecond = refusals > 1 || refusedBefore
    if (standing == .guilty && isSecond) || (refusedBefore && tookSome) {
      return isFickle ? .putOff : .giveUp
    }
    if putOffBefore { return .putOff }
    return standing == .inDoubt(again: true) && trusts(inDoubt: inDoubt, at: now) ? .putOff : .stay
  }

  /// Whether no more than one event is in doubt, and the target took another one just now.
  private func trusts(inDoubt: Int, at now: SuspendingClock.Instant) -> Bool {
    inDoubt == 1 && (lastTaken.map { now - $0 < Self.timeOfTrust } ?? false)
  }
}
