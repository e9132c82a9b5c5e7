internal import EventSpool

/// Why a group of events was not inserted.
enum GroupFailure {
  case refused(ServerError)
  /// The server did not answer in time, or ended the connection; it can be reached again.
  case unanswered(TargetError)

  /// Whether the server's time went by, or the connection was lost: that is not to be tried often.
  var isCostly: Bool {
    switch self {
    case .refused(let refusal): refusal.isTimeLimit
    case .unanswered: true
    }
  }

  var targetError: TargetError {
    switch self {
    case .refused(let refusal): refusal.targetError
    case .unanswered(let error): error
    }
  }

  /// Of an event that was tried by itself.
  var delivery: Delivery {
    switch self {
    case .refused(let refusal): refusal.delivery
    case .unanswered(let error): .putOff(.noAnswer, text: error.message, afterSeconds: 0)
    }
  }
}

/// Inserts groups of events, and settles each event as soon as its fate is known. A group that
/// cannot be inserted is tried in halves, the older half first, down to single events: one bad
/// event among 500 costs 18 further inserts. If that cost time, a single event is tried first: if
/// it fails, too, and none was taken, the server is to blame.
/// - Parameters:
///   - groups: places of events.
///   - insert: inserts all or none. Returns why the server has not taken them; nil if it has.
///   - settle: returns whether further ones are to be tried.
func settleInHalves(
  _ groups: [[Int]],
  insert: ([Int]) throws(DeliveringError) -> GroupFailure?,
  settle: (Int, Delivery) throws(DeliveringError) -> Bool
) throws(DeliveringError) {
  // The last one is the next.
  var waiting = Array(groups.reversed())
  var hasTakenOne = false
  while let group = waiting.popLast() {
    guard let failure = try insert(group) else {
      hasTakenOne = true
      var goesOn = true
      // What the server has taken is settled in any case.
      for place in group { goesOn = try settle(place, .delivered) && goesOn }
      guard goesOn else { return }
      continue
    }
    guard group.count == 1 else {
      let middle = (group.count + 1) / 2
      waiting.append(Array(group[middle...]))
      if failure.isCostly && !hasTakenOne && middle > 1 {
        waiting.append(Array(group[1..<middle]))
        waiting.append([group[0]])
      } else {
        waiting.append(Array(group[..<middle]))
      }
      continue
    }
    if failure.isCostly && !hasTakenOne { throw .target(failure.targetError) }
    guard try settle(group[0], failure.delivery) else { return }
  }
}

/// The places of events in the groups that they are inserted in: all together, but for suspects.
/// Each of these comes last and by itself, so that it does not cost the others a time-out.
func groups(of events: [OutgoingEvent]) -> [[Int]] {
  let suspects = events.indices.filter { events[$0].isSuspect }
  let others = events.indices.filter { !events[$0].isSuspect }
  return (others.isEmpty ? [] : [others]) + suspects.map { [$0] }
}
