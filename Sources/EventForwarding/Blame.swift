/// Decides whose failure it is if a target does not take an event: the event's, if the target takes
/// others. Knows events by their files' names. Takes no clock.
struct Blame {
  /// After so many failures in a row, the target takes none.
  private static let mostFailuresInARow = 10
  /// So long after it took one, a single event that it does not take is to blame.
  private static let timeOfTrust = Duration.seconds(10)
  /// So many events that failed are remembered.
  private static let mostRemembered = 1_000

  /// What is known of an event that failed.
  enum Standing: Equatable {
    /// It failed before, and the target has taken others since.
    case guilty
    /// It may be the target's failure.
    /// - Parameter again: it failed before, too.
    case inDoubt(again: Bool)
  }

  /// How many events the target has taken.
  private(set) var taken = 0
  private var lastTaken: SuspendingClock.Instant?
  private var failedInARow = 0
  /// Those that failed and have not paid, and how many the target had taken then.
  private var failedBefore: [String: Int] = [:]

  mutating func wasTaken(_ name: String, at now: SuspendingClock.Instant) {
    taken += 1
    lastTaken = now
    failedInARow = 0
    failedBefore[name] = nil
  }

  mutating func failed(_ name: String) -> Standing {
    let before = failedBefore[name]
    if let before, taken > before { return .guilty }
    failedInARow += 1
    if failedBefore.count > Self.mostRemembered { failedBefore = [:] }
    failedBefore[name] = before ?? taken
    return .inDoubt(again: before != nil)
  }

  mutating func hasPaid(_ name: String) { failedBefore[name] = nil }

  func isKnown(_ name: String) -> Bool { failedBefore[name] != nil }

  /// Whether the target takes none, as it seems: no further event is to be tried.
  var targetTakesNone: Bool { failedInARow >= Self.mostFailuresInARow }

  /// Whether it is the target's failure that some events of a batch are in doubt.
  /// - Parameter tookSome: whether it took others of the batch.
  func isTargets(
    inDoubt: Int, tookSome: Bool, at now: SuspendingClock.Instant
  ) -> Bool {
    inDoubt > 0 && (targetTakesNone || !(tookSome || trusts(inDoubt: inDoubt, at: now)))
  }

  /// Whether an event in doubt has to pay, to a target that takes others. What was refused is asked
  /// again before it is given up, for the target may have begun to take others in between.
  func mustPay(
    isRefusal: Bool, _ standing: Standing, inDoubt: Int, at now: SuspendingClock.Instant
  ) -> Bool {
    !isRefusal || standing == .guilty
      || (standing == .inDoubt(again: true) && trusts(inDoubt: inDoubt, at: now))
  }

  /// Whether no more than one event is in doubt, and the target took another one just now.
  private func trusts(inDoubt: Int, at now: SuspendingClock.Instant) -> Bool {
    inDoubt == 1 && (lastTaken.map { now - $0 < Self.timeOfTrust } ?? false)
  }
}
