@testable internal import EventForwarding
internal import Testing

struct BlameTests {
  private let start = SuspendingClock.now
  private var blame = Blame()

  // MARK: Whether the target pays

  @Test func targetThatTookNoneOfABatchPays() {
    #expect(blame.isTargets(inDoubt: 1, tookSome: false, at: start))
    #expect(blame.isTargets(inDoubt: 5, tookSome: false, at: start))
    #expect(!blame.isTargets(inDoubt: 5, tookSome: true, at: start))
    #expect(!blame.isTargets(inDoubt: 0, tookSome: false, at: start))
  }

  @Test mutating func targetThatFailsOnManyInARowPaysThoughItTookSomeBefore() {
    blame.wasTaken("a", at: start)
    for number in 1...9 { _ = blame.failed("\(number)") }
    #expect(!blame.targetTakesNone)
    #expect(!blame.isTargets(inDoubt: 9, tookSome: true, at: start))
    _ = blame.failed("10")
    #expect(blame.targetTakesNone)
    #expect(blame.isTargets(inDoubt: 10, tookSome: true, at: start))
    blame.wasTaken("b", at: start)
    #expect(!blame.targetTakesNone)
  }

  /// What has not failed, or not for longest, is tried next: so each has its turn.
  @Test mutating func eachHasItsTurn() {
    #expect(!blame.isBetterToTry("a", than: "b"))
    _ = blame.failed("a")
    #expect(blame.isBetterToTry("b", than: "a"))
    _ = blame.failed("b")
    #expect(blame.isBetterToTry("a", than: "b"))
    _ = blame.failed("a")
    #expect(blame.isBetterToTry("b", than: "a"))
    blame.wasTaken("a", at: start)
    #expect(blame.isBetterToTry("a", than: "b"))
  }

  /// A target that took one just now is trusted with a single one that it does not take.
  @Test(arguments: [(0, 1, false), (9, 1, false), (10, 1, true), (0, 2, true)])
  mutating func singleEventPaysIfTheTargetTookAnotherJustNow(
    seconds: Int, inDoubt: Int, isTargets: Bool
  ) {
    blame.wasTaken("a", at: start)
    _ = blame.failed("b")
    #expect(
      blame.isTargets(inDoubt: inDoubt, tookSome: false, at: start + .seconds(seconds))
        == isTargets)
  }

  // MARK: Whether an event pays

  @Test mutating func eventThatFailsAgainAfterOthersWereTakenIsGuilty() {
    #expect(blame.failed("a") == .inDoubt(again: false))
    #expect(blame.failed("a") == .inDoubt(again: true))
    blame.wasTaken("b", at: start)
    #expect(blame.failed("a") == .guilty)
    // Guilt is no sign of the target's failure.
    for _ in 0..<20 { #expect(blame.failed("a") == .guilty) }
    #expect(!blame.targetTakesNone)
    blame.hasPaid("a")
    #expect(blame.failed("a") == .inDoubt(again: false))
  }

  @Test mutating func eventThatIsTakenIsForgotten() {
    _ = blame.failed("a")
    #expect(blame.isKnown("a"))
    blame.wasTaken("a", at: start)
    #expect(!blame.isKnown("a") && blame.taken == 1)
  }

  private func verdict(
    _ isRefusal: Bool, _ standing: Blame.Standing, refusals: Int = 1, refusedBefore: Bool = false,
    inDoubt: Int = 1, tookSome: Bool = true, at now: SuspendingClock.Instant? = nil
  ) -> Blame.Verdict {
    blame.verdict(
      refusals: refusals, isRefusal: isRefusal, standing, putOffBefore: refusedBefore,
      refusedBefore: refusedBefore, inDoubt: inDoubt, tookSome: tookSome, at: now ?? start)
  }

  /// What was refused is asked a second time; what may pass is put off at once.
  @Test mutating func refusedEventIsAskedASecondTime() {
    blame.wasTaken("a", at: start)
    #expect(verdict(false, .inDoubt(again: false)) == .putOff)
    #expect(verdict(true, .inDoubt(again: false)) == .stay)
    #expect(verdict(true, .guilty) == .stay)
    #expect(verdict(true, .guilty, refusals: 2) == .giveUp)
    #expect(verdict(true, .guilty, refusedBefore: true) == .giveUp)
    // A single one that nobody stands beside is asked once more, later.
    #expect(verdict(true, .inDoubt(again: true)) == .putOff)
    #expect(verdict(true, .inDoubt(again: true), inDoubt: 2) == .stay)
    #expect(verdict(true, .inDoubt(again: false), refusedBefore: true) == .giveUp)
    #expect(
      verdict(true, .inDoubt(again: false), refusedBefore: true, tookSome: false) == .putOff)
  }

  /// A target that takes what it refused does not decide by the event: nothing is given up.
  @Test mutating func targetThatChangesItsMindGivesUpNothing() {
    blame.wasTaken("a", at: start)
    _ = blame.failed("b")
    blame.noteTargetTakes(butNot: "b")
    #expect(verdict(true, .guilty, refusals: 2) == .giveUp)
    blame.wasTaken("b", at: start)
    #expect(verdict(true, .guilty, refusals: 2) == .putOff)
    #expect(verdict(true, .guilty, refusals: 2, at: start + .seconds(301)) == .giveUp)
  }

  /// What it refused while it took none is no change of mind.
  @Test mutating func targetThatWasAwayMayGiveUp() {
    _ = blame.failed("b")
    blame.wasTaken("b", at: start)
    #expect(verdict(true, .guilty, refusals: 2) == .giveUp)
  }

  /// A failure of the target's is no refusal of the event.
  @Test mutating func refusalsAreCountedByThemselves() {
    _ = blame.failed("a")
    _ = blame.failed("a", isRefusal: true)
    #expect(blame.refusals(of: "a") == 1)
    _ = blame.failed("a", isRefusal: true)
    #expect(blame.refusals(of: "a") == 2)
    blame.hasPaid("a")
    #expect(blame.refusals(of: "a") == 0)
  }

  /// What was answered before may pay before others stop the batch; what was not may take long.
  @Test mutating func whatWasAnsweredGoesFirst() {
    #expect(!blame.goesFirst("a"))
    _ = blame.failed("a", wasAnswered: true)
    #expect(blame.goesFirst("a"))
    _ = blame.failed("a")
    #expect(!blame.goesFirst("a"))
  }

  @Test mutating func successThatWasOnItsWayProvesNothing() {
    _ = blame.failed("b", slack: 2)
    blame.wasTaken("a", at: start)
    blame.wasTaken("c", at: start)
    #expect(blame.failed("b") == .inDoubt(again: true))
    blame.wasTaken("d", at: start)
    #expect(blame.failed("b") == .guilty)
  }

  @Test mutating func nothingIsOnItsWayOnceABatchHasEnded() {
    _ = blame.failed("b", slack: 2)
    blame.batchHasEnded()
    blame.wasTaken("a", at: start)
    #expect(blame.failed("b") == .guilty)
  }

  @Test mutating func manyGuiltyInARowAreTooMany() {
    for number in 0..<60 { _ = blame.failed("\(number)") }
    blame.wasTaken("a", at: start)
    for number in 0..<49 { #expect(blame.failed("\(number)") == .guilty) }
    #expect(!blame.targetTakesNone)
    #expect(blame.failed("49") == .guilty)
    #expect(blame.targetTakesNone)
  }

  @Test func eventThatWasPutOffBeforeIsNoSignOfTheTarget() {
    #expect(!blame.isTargets(inDoubt: 1, notNew: true, tookSome: false, at: start))
    #expect(blame.isTargets(inDoubt: 1, notNew: false, tookSome: false, at: start))
  }

  @Test mutating func manyFailuresAreNotRememberedForever() {
    for number in 0..<150_000 { _ = blame.failed("\(number)") }
    #expect((0..<150_000).count { blame.isKnown("\($0)") } <= 100_002)
  }
}
