internal import ServiceProcess
internal import TestSupport
internal import Testing
internal import WebhookCore
@testable internal import WebhookResponder

/// What deliveries are counted by.
struct CountsTests {
  private static let start: Int64 = 1_790_000_000_000

  private func stored(id: String = "212") throws -> Outcome {
    .stored(try exampleEvent(id: id).summary)
  }

  private func name(_ text: String) throws -> InstanceName { try required(InstanceName(text)) }

  private func number(
    _ counts: Counts, _ codeWord: String, _ instance: String? = "acme", _ hook: Hook? = nil
  ) -> Int? {
    counts.deliveries.first {
      $0.key.answer.codeWord == codeWord && $0.key.instance?.description == instance
        && $0.key.hook == hook
    }?.value.number
  }

  // MARK: Adding

  @Test func workersNumbersAreAdded() throws {
    let event = try exampleEvent().summary
    let one = tally([
      try decidedRequest(.stored(event), hook: .exportComplete, at: Self.start + 5),
      try decidedRequest(.stored(event), hook: .exportComplete, at: Self.start + 1),
      try decidedRequest(.refused(Refusal(.stale))),
    ])
    let other = tally([
      try decidedRequest(.stored(event), hook: .exportComplete, at: Self.start + 9),
      try decidedRequest(.duplicate(event), hook: .exportComplete),
      try decidedRequest(.refused(Refusal(.stale)), to: "beta"),
      try decidedRequest(.refused(Refusal(.misconfigured)), to: nil),
    ])
    let sum = counts([one, other])
    #expect(sum.deliveries.count == 5)
    #expect(number(sum, "stored", "acme", .exportComplete) == 3)
    #expect(number(sum, "duplicate", "acme", .exportComplete) == 1)
    #expect(number(sum, "stale", "acme") == 1)
    #expect(number(sum, "stale", "beta") == 1)
    #expect(number(sum, "misconfigured", nil) == 1)
    let labels = Counts.Labels(
      instance: try name("acme"), hook: .exportComplete, answer: .stored)
    #expect(sum.deliveries[labels]?.last.millisecondsSince1970 == Self.start + 9)
    let kind = StoredKind(instance: try name("acme"), kind: .exportComplete)
    #expect(sum.lastStored.mapValues(\.millisecondsSince1970) == [kind: Self.start + 9])
    #expect(sum.sentBytes == 70)
    #expect(sum.all.count == 7)
    #expect(sum.all.microseconds == 4_900)
    #expect(sum.deciding.microseconds == 3_500)
    #expect(sum.publishing.count == 0)
  }

  @Test func healthChecksAndLooksAreNotCounted() throws {
    let instances = [try exampleInstance()]
    var requests = [try decidedRequest(.healthy), try decidedRequest(.shown)]
    for route in [
      Route.healthCheck(instances), .observation(.metrics, instances),
      .observation(.status, instances),
    ] {
      let example = try decidedRequest(.refused(Refusal(.method)), to: nil)
      requests.append(
        DecidedRequest(
          outcome: example.outcome, route: route, times: example.times,
          decidedAt: example.decidedAt, remoteAddress: "-", keptAs: nil))
    }
    let sum = counts([tally(requests)])
    #expect(sum.deliveries.isEmpty && sum.recent.newestFirst.isEmpty && sum.sentBytes == 0)
    #expect(sum.all.count == 0 && sum.hours.hours.isEmpty)
    // The control: nobody knows what such a location is for.
    let unknown = counts([tally([try decidedRequest(.refused(Refusal(.method)), to: nil)])])
    #expect(number(unknown, "method", nil) == 1)
  }

  @Test func publishingIsCountedApart() throws {
    var request = try decidedRequest(try stored(), microseconds: 700)
    request = DecidedRequest(
      outcome: request.outcome, route: request.route,
      times: {
        var times = request.times
        times.accepted = times.taken + .microseconds(150)
        return times
      }(), decidedAt: request.decidedAt, remoteAddress: "-", keptAs: nil)
    let sum = counts([tally([request])])
    #expect(sum.deciding.microseconds == 150)
    #expect(sum.publishing.microseconds == 350)
    #expect(sum.all.microseconds == 700)
  }

  // MARK: Instances that a reload takes away

  @Test func onlyInstancesThatAreLeftStay() throws {
    let tally = tally([
      try decidedRequest(try stored(), to: "acme"), try decidedRequest(try stored(), to: "beta"),
      try decidedRequest(.refused(Refusal(.stale)), to: "beta"),
      try decidedRequest(.refused(Refusal(.misconfigured)), to: nil),
    ])
    tally.keepOnly([try name("acme")])
    let left = tally.value
    #expect(left.deliveries.count == 2)
    #expect(number(left, "stored", "acme") == 1)
    #expect(number(left, "misconfigured", nil) == 1)
    #expect(left.lastStored.keys.map(\.instance.description) == ["acme"])
    #expect(
      left.recent.newestFirst.map { $0.instance?.description ?? "" }.sorted() == ["", "acme"])
    #expect(left.hours.hours.values.reduce(0) { $0 + $1.count } == 2)
  }

  // MARK: By the hour

  private func hourlyCounts(_ hours: [Int64]) -> HourlyCounts {
    var counts = HourlyCounts()
    for hour in hours { counts.add(.refused(nil), at: hour * 3_600 + 3_599) }
    return counts
  }

  @Test func hourBeginsAndEndsAtItsBounds() {
    var counts = HourlyCounts()
    for second in [3_599, 3_600, 7_199, 7_200] as [Int64] { counts.add(.refused(nil), at: second) }
    #expect(counts.hours.mapValues { $0[.refused(nil)] ?? 0 } == [0: 1, 1: 2, 2: 1])
  }

  @Test func hoursOlderThanTwoDaysAreDropped() {
    let counts = hourlyCounts(Array(1_000...1_060))
    #expect(counts.hours.keys.min() == 1_012)
    #expect(counts.hours.keys.max() == 1_060)
    #expect(counts.hours.count == HourlyCounts.hoursKept + 1)
  }

  @Test func hoursOfSeveralWorkersAreAdded() throws {
    let acme = try name("acme")
    var one = HourlyCounts()
    var other = HourlyCounts()
    one.add(.refused(acme), at: 7_200)
    one.add(.refused(acme), at: 3_600)
    other.add(.refused(acme), at: 7_300)
    other.add(.stored(StoredKind(instance: acme, kind: nil)), at: 7_300)
    one.add(other)
    #expect(
      one.hours == [
        1: [.refused(acme): 1],
        2: [.refused(acme): 2, .stored(StoredKind(instance: acme, kind: nil)): 1],
      ])
  }

  // MARK: What the spool remembers

  @Test func historyIsAddedToWhatWasCounted() throws {
    let kind = StoredKind(instance: try name("acme"), kind: .exportComplete)
    let now = Timestamp(seconds: 1_790_000_000)
    var history = SpoolHistory()
    for age in [0, 3_600, 47 * 3_600, 100 * 3_600, 3_600] as [Int64] {
      history.add(kind, at: now.seconds - age, now: now)
    }
    #expect(history.lastStored == [kind: now])
    #expect(history.hours.hours.values.reduce(0) { $0 + ($1[.stored(kind)] ?? 0) } == 4)
    var sum = counts([tally([try decidedRequest(try stored(), at: 1_790_000_001_000)])])
    sum.add(history)
    #expect(sum.hours.hours[now.seconds / 3_600]?[.stored(kind)] == 2)
    #expect(sum.lastStored[kind]?.seconds == now.seconds + 1)
    #expect(number(sum, "stored") == 1)
  }

  /// A clock was wrong once.
  @Test func eventOfTheFutureTakesNoOtherHourAway() throws {
    let kind = StoredKind(instance: try name("acme"), kind: nil)
    let now = Timestamp(seconds: 1_790_000_000)
    var history = SpoolHistory()
    history.add(kind, at: now.seconds - 3_600, now: now)
    history.add(kind, at: now.seconds + 31_536_000, now: now)
    #expect(history.hours.hours.keys.sorted() == [now.seconds / 3_600 - 1])
  }

  // MARK: The last decisions

  private func times(_ recent: RecentDeliveries) -> [Int64] {
    recent.newestFirst.map { $0.decidedAt.millisecondsSince1970 - Self.start }
  }

  private func recent(_ times: some Sequence<Int>) throws -> RecentDeliveries {
    var recent = RecentDeliveries()
    for time in times {
      recent.add(try decidedRequest(.refused(Refusal(.stale)), at: Self.start + Int64(time)))
    }
    return recent
  }

  @Test func lastTwentyStayTheNewestFirst() throws {
    #expect(times(try recent(1...3)) == [3, 2, 1])
    #expect(times(try recent(1...20)) == (1...20).reversed())
    #expect(times(try recent(1...65)) == (46...65).reversed())
  }

  @Test func lastOfSeveralWorkersAreMerged() throws {
    var sum = try recent(stride(from: 1, through: 59, by: 2))
    sum.add(try recent(stride(from: 2, through: 60, by: 2)))
    #expect(times(sum) == (41...60).reversed())
    sum.add(RecentDeliveries())
    #expect(times(sum) == (41...60).reversed())
  }

  @Test func removedInstancesLeaveAndTheRingGoesOn() throws {
    var recent = try recent(1...30)
    recent.keepOnly { _ in true }
    recent.add(try decidedRequest(.refused(Refusal(.stale)), at: Self.start + 31))
    #expect(times(recent) == (12...31).reversed())
    recent.keepOnly { $0 == nil }
    #expect(times(recent) == [])
    recent.add(try decidedRequest(.refused(Refusal(.stale)), at: Self.start + 32))
    #expect(times(recent) == [32])
  }

  @Test func ofAnUnverifiedDeliveryThereIsNoEvent() throws {
    let event = try exampleEvent().summary
    var recent = RecentDeliveries()
    recent.add(try decidedRequest(.stored(event), at: Self.start + 3))
    recent.add(try decidedRequest(.duplicate(event), at: Self.start + 2))
    recent.add(try decidedRequest(.refused(Refusal(.badSignature)), at: Self.start + 1))
    #expect(recent.newestFirst.map(\.event) == [event, event, nil])
  }

  @Test(
    arguments: [
      ("192.0.2.7", "192.0.2.7"), ("2001:db8::A", "2001:db8::A"), ("", "-"),
      ("<b>\n", "?b??"), ("unix:", "???" + "?:"),
    ])
  func addressIsShownWithoutWhatIsNone(sent: String, shown: String) {
    #expect(printableAddress(Array(sent.utf8)) == shown)
    #expect(printableAddress([UInt8](repeating: 0x31, count: 1_000)).utf8.count == 64)
  }
}
