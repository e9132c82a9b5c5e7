internal import EventSpool

/// Inserts groups of events, and settles each event as soon as its fate is known. A group that
/// cannot be inserted is tried in halves, the older half first, down to single events: one bad
/// event among 500 costs 18 further inserts.
/// - Parameters:
///   - groups: places of events.
///   - insert: inserts all or none. Returns why the server has not taken them; nil if it has.
///   - settle: returns whether further ones are to be tried.
func settleInHalves(
  _ groups: [[Int]],
  insert: ([Int]) throws(DeliveringError) -> ServerError?,
  settle: (Int, Delivery) throws(DeliveringError) -> Bool
) throws(DeliveringError) {
  // The last one is the next.
  var waiting = Array(groups.reversed())
  while let group = waiting.popLast() {
    guard let refusal = try insert(group) else {
      var goesOn = true
      // What the server has taken is settled in any case.
      for place in group { goesOn = try settle(place, .delivered) && goesOn }
      guard goesOn else { return }
      continue
    }
    guard group.count == 1 else {
      let middle = (group.count + 1) / 2
      waiting.append(Array(group[middle...]))
      waiting.append(Array(group[..<middle]))
      continue
    }
    guard try settle(group[0], refusal.delivery) else { return }
  }
}

/// The places of events in the groups that they are inserted in: all together, but for suspects.
/// Each of these comes last and by itself, so that it does not cost the others a time-out.
func groups(of events: [OutgoingEvent]) -> [[Int]] {
  let suspects = events.indices.filter { events[$0].isSuspect }
  let others = events.indices.filter { !events[$0].isSuspect }
  return (others.isEmpty ? [] : [others]) + suspects.map { [$0] }
}
