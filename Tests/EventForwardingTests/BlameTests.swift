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

  /// What was refused is asked a second time; what may pass is put off at once.
  @Test mutating func refusedEventIsAskedASecondTime() {
    blame.wasTaken("a", at: start)
    func mustPay(_ isRefusal: Bool, _ standing: Blame.Standing, inDoubt: Int = 1) -> Bool {
      blame.mustPay(isRefusal: isRefusal, standing, inDoubt: inDoubt, at: start)
    }
    #expect(mustPay(false, .inDoubt(again: false)))
    #expect(!mustPay(true, .inDoubt(again: false)))
    #expect(mustPay(true, .inDoubt(again: true)))
    #expect(!mustPay(true, .inDoubt(again: true), inDoubt: 2))
    #expect(mustPay(true, .guilty, inDoubt: 2))
  }

  @Test mutating func manyFailuresAreNotRememberedForever() {
    for number in 0..<5_000 { _ = blame.failed("\(number)") }
    #expect((0..<5_000).count { blame.isKnown("\($0)") } <= 1_002)
  }
}
