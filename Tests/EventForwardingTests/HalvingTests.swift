@testable internal import EventForwarding
internal import EventSpool
internal import TestSupport
internal import Testing
internal import WebhookCore

struct HalvingTests {
  /// A server that takes every group without a bad event.
  private struct Trial {
    var inserts: [[Int]] = []
    var delivered: [Int] = []
    var failed: [Int] = []

    init(
      _ groups: [[Int]], bad: Set<Int>, sqlState: String = "XX002",
      goesOn: (_ delivered: Int, _ failed: Int) -> Bool = { _, _ in true }
    ) throws {
      var (inserts, delivered, failed): ([[Int]], [Int], [Int]) = ([], [], [])
      try settleInHalves(groups) { places throws(DeliveringError) in
        inserts.append(places)
        return bad.isDisjoint(with: places)
          ? nil
          : .refused(ServerError(sqlState: sqlState, message: "said", namesConstraint: true))
      } settle: { place, delivery throws(DeliveringError) in
        if case .delivered = delivery { delivered.append(place) } else { failed.append(place) }
        return goesOn(delivered.count, failed.count)
      }
      (self.inserts, self.delivered, self.failed) = (inserts, delivered, failed)
    }
  }

  private let batch = [Array(0..<500)]

  @Test func batchThatIsTakenIsOneInsert() throws {
    let trial = try Trial(batch, bad: [])
    #expect(trial.inserts == batch && trial.delivered == batch[0])
  }

  @Test(arguments: [0, 1, 249, 250, 333, 498, 499])
  func badEventCostsTheOthersFewInserts(bad: Int) throws {
    let trial = try Trial(batch, bad: [bad])
    #expect(trial.inserts.count <= 20)
    #expect(trial.failed == [bad])
    #expect(trial.delivered == batch[0].filter { $0 != bad })
  }

  @Test func twoBadEventsCostTwiceThat() throws {
    let trial = try Trial(batch, bad: [3, 496])
    #expect(trial.inserts.count <= 38)
    #expect(trial.failed == [3, 496] && trial.delivered.count == 498)
  }

  @Test func eventsAreTriedInTheirOrder() throws {
    let trial = try Trial([Array(0..<5)], bad: [1, 4])
    #expect(
      trial.inserts == [[0, 1, 2, 3, 4], [0, 1, 2], [0, 1], [0], [1], [2], [3, 4], [3], [4]])
    #expect(trial.delivered == [0, 2, 3] && trial.failed == [1, 4])
  }

  @Test func serverThatFailsWithEachIsLeftAfterAsManyAsTheCallerSays() throws {
    let trial = try Trial(batch, bad: Set(0..<500)) { _, failed in failed < 10 }
    #expect(trial.failed == Array(0..<10))
    #expect(trial.delivered == [])
    // To the first single one, and to nine further ones.
    #expect(trial.inserts.count <= 9 + 2 * 9)
  }

  @Test func whatWasInsertedIsSettledEvenIfTheCallerHasEnough() throws {
    let trial = try Trial([[0, 1, 2], [3]], bad: []) { delivered, _ in delivered > 1 }
    #expect(trial.delivered == [0, 1, 2])
  }

  @Test func eventThatFailsByItselfIsRefusedOrPutOff() throws {
    var fates: [Delivery] = []
    for (sqlState, place) in [("22P02", 0), ("XX002", 1)] {
      try settleInHalves([[place]]) { _ throws(DeliveringError) in
        .refused(ServerError(sqlState: sqlState, message: "said", namesConstraint: false))
      } settle: { _, delivery throws(DeliveringError) in
        fates.append(delivery)
        return true
      }
    }
    #expect(
      fates == [
        .refused(.answer("22P02"), text: "said"),
        .putOff(.answer("XX002"), text: "said", afterSeconds: 0),
      ])
  }

  // MARK: Failures that cost time

  /// If a single event takes all the time, too, it is the server's failure: two time limits.
  @Test func serverThatDoesNotAnswerIsFoundByASingleEvent() throws {
    var inserts: [[Int]] = []
    #expect(throws: DeliveringError.self) {
      try settleInHalves(batch) { places throws(DeliveringError) in
        inserts.append(places)
        return .unanswered(.unavailable("no answer"))
      } settle: { _, _ throws(DeliveringError) in
        Issue.record("nothing was settled")
        return true
      }
    }
    #expect(inserts == batch + [[0]])
  }

  @Test(arguments: [1, 250, 499])
  func eventThatTakesAllTheTimeIsFoundAndPutOff(bad: Int) throws {
    var (inserts, delivered, failed): (Int, Int, [Delivery]) = (0, 0, [])
    try settleInHalves(batch) { places throws(DeliveringError) in
      inserts += 1
      return places.contains(bad) ? .unanswered(.unavailable("no answer")) : nil
    } settle: { _, delivery throws(DeliveringError) in
      if case .delivered = delivery { delivered += 1 } else { failed.append(delivery) }
      return true
    }
    #expect(inserts <= 21 && delivered == 499)
    #expect(failed == [.putOff(.noAnswer, text: "no answer", afterSeconds: 0)])
  }

  @Test func errorOfTheTargetEndsItAtOnce() throws {
    var inserts = 0
    #expect(throws: DeliveringError.self) {
      try settleInHalves([[0, 1], [2]]) { _ throws(DeliveringError) in
        inserts += 1
        throw .target(.unavailable("away"))
      } settle: { _, _ throws(DeliveringError) in
        Issue.record("nothing was settled")
        return true
      }
    }
    #expect(inserts == 1)
  }

  // MARK: Suspects

  private func events(suspects: [Bool]) throws -> [OutgoingEvent] {
    let line = try exampleEvent().line
    return try suspects.map {
      try #require(OutgoingEvent(line: line, withProof: false, isSuspect: $0))
    }
  }

  @Test(
    arguments: [
      ([], []), ([false], [[0]]), ([false, false, false], [[0, 1, 2]]), ([true], [[0]]),
      ([true, false, true, false], [[1, 3], [0], [2]]),
    ] as [([Bool], [[Int]])])
  func suspectComesLastAndByItself(suspects: [Bool], groups places: [[Int]]) throws {
    #expect(groups(of: try events(suspects: suspects)) == places)
  }

  @Test func suspectThatFailsCostsTheOthersNothing() throws {
    let suspects = (0..<500).map { $0 == 7 }
    let trial = try Trial(groups(of: events(suspects: suspects)), bad: [7])
    #expect(trial.inserts.count == 2)
    #expect(trial.failed == [7] && trial.delivered.count == 499)
  }
}
