internal import CommandLineProgram
internal import EventSpool

/// Finds the event to try a target with that took none of the oldest. For one thread.
struct TargetProbe {
  /// So many events are passed over to find one that it may take.
  private static let mostPassedOver = 50_000

  /// How many were passed over to find the one that is tried, and to find the last that was taken.
  private var passedOver = 0
  private var reach = 0

  /// The event that was found has been taken: the next search begins there.
  mutating func wasTaken() { reach = passedOver }

  /// One that has not failed yet, if there is any, and a younger one each time: the oldest may all be
  /// of a kind. If all have failed, each has its turn: the first may be one that is always refused.
  /// - Parameters:
  ///   - failures: how often in a row the target took none.
  ///   - release: gives back an event that is passed over.
  mutating func nextToTry(
    after failures: Int, of draining: Draining, knowing blame: Blame,
    release: (ClaimedEvent) throws(SpoolError) -> Void
  ) throws(SpoolError) -> ClaimedEvent? {
    // Where one was taken last, and then 10, 160, 2560, …
    let distance =
      failures == 1 ? reach : min(Self.mostPassedOver, 10 << (4 * min(failures - 2, 4)))
    var left = distance
    defer { passedOver = distance - left }
    var candidate: (event: ClaimedEvent, isKnown: Bool)?
    var seen: Set<String> = []
    var last = ""
    while seen.count < Self.mostPassedOver, let event = try draining.next() {
      let name = event.fileName
      // Behind the youngest, the oldest come again: those that the search began behind, then all.
      let isEnough = name < last && candidate?.isKnown == false
      guard !isEnough, seen.insert(name).inserted else {
        try release(event)
        break
      }
      last = name
      let isKnown = blame.isKnown(name)
      if isKnown, let other = candidate?.event, !blame.isBetterToTry(name, than: other.fileName) {
        try release(event)
        continue
      }
      if let other = candidate?.event { try release(other) }
      candidate = (event, isKnown)
      if isKnown { continue }
      if left == 0 { break }
      left -= 1
    }
    return candidate?.event
  }
}
