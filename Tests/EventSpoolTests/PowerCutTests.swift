internal import Dispatch
internal import EventSpool
internal import Foundation
internal import Synchronization
internal import TestSupport
internal import Testing
internal import WebhookCore

/// Cuts the power after every call of two publishers of one event, in every order of their calls
/// with up to three changes from one to the other, on a disk that may keep or lose anything that
/// was not synced.
@Suite(.serialized, .timeLimit(.minutes(90)))
struct PowerCutTests {
  private struct Moment: Hashable {
    let disk: DiskModel
    let isAnswered: Bool
  }

  private let event: Event
  private let names: (file: String, hour: String, id: String)

  init() throws {
    event = try exampleEvent()
    names = (event.fileName.description, event.issuedHour, event.id.hex)
  }

  // MARK: Promises

  /// Whether `new/` has the whole event.
  private func hasEvent(_ disk: DiskModel) -> Bool {
    disk.inode(of: "new", in: DiskModel.root).flatMap { disk.inode(of: names.file, in: $0) }
      .map(disk.isWhole) ?? false
  }

  /// Whether every file in `new/` is whole.
  private func hasOnlyWholeFiles(_ disk: DiskModel) -> Bool {
    disk.inode(of: "new", in: DiskModel.root).map { disk.files(in: $0).allSatisfy(disk.isWhole) }
      ?? false
  }

  /// Returns how a power cut at `moment` breaks the promise; nil if it does not.
  private func violation(at moment: Moment, _ mistake: ModelledMachine.Mistake?) throws -> String? {
    for disk in moment.disk.afterPowerCut() {
      if !hasOnlyWholeFiles(disk) { return "a file in new/ is partial" }
      if moment.isAnswered && !hasEvent(disk) { return "an answered event is gone" }
      let machine = ModelledMachine(disk: disk, names: names, mistake: mistake)
      _ = try Publisher(of: machine.openSpool()).publish(event, minimumFreeBytes: 0, until: soon)
      guard machine.disk.afterPowerCut().allSatisfy(hasEvent) else {
        return "a repeated delivery was answered, and its event is gone"
      }
    }
    return nil
  }

  private func violations(_ mistake: ModelledMachine.Mistake? = nil) throws -> Set<String> {
    let moments = try moments(mistake)
    return Set(try moments.compactMap { try violation(at: $0, mistake) })
  }

  // MARK: All moments

  private func moments(_ mistake: ModelledMachine.Mistake?) throws -> Set<Moment> {
    var moments: Set<Moment> = []
    let calls = 16  // a publish has 14 calls; a turn of more lets it end
    for first in 0...calls {
      for second in 0...calls {
        for third in stride(from: 0, through: calls, by: first == 0 ? 16 : 1) {
          moments.formUnion(try run([first, second, third], mistake))
        }
      }
    }
    return moments
  }

  /// Runs two publishers in turns. The first publisher makes as many calls as the first number of
  /// `turns` says, then the other as many as the second, and so on. After the last turn, each runs
  /// to its end.
  private func run(
    _ turns: [Int], _ mistake: ModelledMachine.Mistake?
  ) throws -> Set<Moment> {
    let scheduler = Scheduler(turns: turns)
    let moments = Mutex<(all: Set<Moment>, isAnswered: Bool)>(([], false))
    let machine = ModelledMachine(
      disk: ModelledMachine.emptyDisk, names: names, mistake: mistake,
      beforeCall: { scheduler.waitForTurn(isBlocked: $0) },
      afterCall: { disk in
        moments.withLock { _ = $0.all.insert(Moment(disk: disk, isAnswered: $0.isAnswered)) }
      })
    // Both processes have already opened their spool.
    let publishers = try [0, 1].map { _ in
      try SendablePublisher(value: Publisher(of: machine.openSpool()))
    }
    let event = event
    scheduler.run { index in
      let isPublished =
        (try? publishers[index].value.publish(event, minimumFreeBytes: 0, until: soon)) != nil
      let disk = machine.disk
      moments.withLock {
        if isPublished { $0.isAnswered = true }
        $0.all.insert(Moment(disk: disk, isAnswered: $0.isAnswered))
      }
    }
    return moments.withLock { $0.all }
  }

  // MARK: The tests

  @Test func noOrderOfCallsAndNoPowerCutLosesAnAnsweredEvent() throws {
    #expect(try violations() == [])
  }

  /// The publishers really meet: they stop each other at every point, before and after an answer.
  @Test func momentsAreManyAndDifferent() throws {
    let moments = try moments(nil)
    #expect(moments.count > 30)
    #expect(moments.count(where: \.isAnswered) >= 5)
    #expect(moments.contains { $0.disk.afterPowerCut().count >= 8 })
  }

  @Test func modelFindsTheLinksTheOtherWayRound() throws {
    #expect(
      try violations(.linksTheOtherWayRound)
        .contains("a repeated delivery was answered, and its event is gone"))
  }

  @Test func modelFindsTheMissingSync() throws {
    #expect(try violations(.noSyncBetweenTheLinks).contains("an answered event is gone"))
  }

  @Test func modelFindsTheFileThatWasNotSynced() throws {
    #expect(try violations(.noSyncOfTheFile).contains("a file in new/ is partial"))
  }

  @Test func modelFindsTheSyncThatComesTooLate() throws {
    #expect(try violations(.syncAfterBothLinks).contains("an answered event is gone"))
  }
}

/// Only one thread uses each of them.
private struct SendablePublisher: @unchecked Sendable {
  let value: Publisher
}

/// Lets one of two threads run at a time, call by call.
private final class Scheduler: Sendable {
  private struct State {
    var turns: ArraySlice<Int>
    var current = 0
    var left: Int
    var isEnded = [false, false]
    var isRunning = false
  }

  private let state: Mutex<State>
  private let wakeUps = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
  @TaskLocal static var index = 0

  init(turns: [Int]) {
    state = Mutex(State(turns: turns.dropFirst(), left: turns[0]))
  }

  func run(_ body: @escaping @Sendable (Int) -> Void) {
    state.withLock { $0.isRunning = true }
    let ended = DispatchGroup()
    // Two threads for any number of cores, because each waits for the other.
    for index in 0..<2 {
      ended.enter()
      Thread.detachNewThread {
        Scheduler.$index.withValue(index) {
          body(index)
          self.end(index)
        }
        ended.leave()
      }
    }
    ended.wait()
  }

  /// Waits until this thread may make one more call. A blocked thread gives its turn away.
  func waitForTurn(isBlocked: Bool) {
    let me = Scheduler.index
    while true {
      let mayGo = state.withLock { state -> Bool in
        guard state.isRunning else { return true }
        let other = 1 - me
        guard state.current == me else { return false }
        if isBlocked || (state.left == 0 && !state.isEnded[other] && !state.turns.isEmpty) {
          return giveTurn(to: other, isBlocked: isBlocked, &state)
        }
        if state.left > 0 { state.left -= 1 }
        return true
      }
      if mayGo { return }
      wakeUps[me].wait()
      if isBlocked { return }
    }
  }

  /// - Returns: false, because this thread has to wait.
  private func giveTurn(to other: Int, isBlocked: Bool, _ state: inout State) -> Bool {
    state.current = other
    state.left = state.turns.popFirst() ?? .max
    wakeUps[other].signal()
    return false
  }

  private func end(_ index: Int) {
    state.withLock { state in
      state.isEnded[index] = true
      state.current = 1 - index
      state.left = .max
    }
    wakeUps[1 - index].signal()
  }
}
