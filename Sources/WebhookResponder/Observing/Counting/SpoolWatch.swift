internal import EventSpool
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import Synchronization
internal import WebhookCore

/// Counts what lies in the spools, on a thread of its own: at most every ten seconds, and never with
/// more than a hundredth of a core.
final class SpoolWatch: Sendable {
  /// What was found at the last look that succeeded, and what is wrong since.
  struct View {
    var instances: [InstanceName: InstanceView] = [:]
    var free: (bytes: Int, inodes: Int)?
  }

  struct InstanceView {
    var lookedAt: Timestamp?
    var states: [EventState: StateSummary] = [:]
    /// The youngest events that were given up, and why.
    var dead: [(entry: SpoolEntry, record: AttemptRecord?)] = []
    /// Nil until it was read.
    var history: SpoolHistory?
    /// Up to when it goes: from then on, this process counts.
    var historyEnd: Timestamp?
    /// Why it could not be read.
    var historyFailure: SpoolError?
    /// Why the last look failed.
    var failure: SpoolError?
  }

  private static let shortestPause = Duration.seconds(10)
  private static let partOfACore = 100
  private static let deadEventsShown = 10

  private let current: CurrentSnapshot
  private let view = Mutex(View())

  init(_ current: CurrentSnapshot) {
    self.current = current
  }

  var value: View { view.withLock { $0 } }

  /// Begins to look.
  func start() throws(SystemError) {
    try startThread { [self] in
      var censuses: [InstanceName: Census] = [:]
      while true {
        let before = processorTimeOfThread()
        look(&censuses)
        var cost = processorTimeOfThread() - before
        // It is read once. If it cannot be read, the next try waits as long as this one has taken.
        if !readHistories() { cost = processorTimeOfThread() - before }
        let pause = max(Self.shortestPause, cost * Self.partOfACore)
        sleep(
          UInt32(clamping: pause.components.seconds + (pause.components.attoseconds > 0 ? 1 : 0)))
      }
    }
  }

  private func look(_ censuses: inout [InstanceName: Census]) {
    let snapshot = current.value
    let names = Set(snapshot.spools.keys)
    censuses = censuses.filter { names.contains($0.key) }
    view.withLock { view in view.instances = view.instances.filter { names.contains($0.key) } }
    let free = try? SpoolReader(path: snapshot.spoolPath).freeSpace()
    view.withLock { $0.free = free }
    for name in names {
      var census = censuses[name] ?? Census(of: name, in: snapshot.spoolPath)
      let now = Timestamp.now()
      do throws(SpoolError) {
        let states = try census.look(now: now)
        if census.changedStates.contains(.dead) {
          let dead = try SpoolReader(path: snapshot.spoolPath)
            .youngestDead(of: name, atMost: Self.deadEventsShown)
          change(name) { $0.dead = dead }
        }
        change(name) { view in (view.lookedAt, view.states, view.failure) = (now, states, nil) }
      } catch {
        change(name) { $0.failure = error }
        census = Census(of: name, in: snapshot.spoolPath)
      }
      censuses[name] = census
    }
  }

  /// Once for each instance, from before it was served.
  /// - Returns: whether all could be read.
  private func readHistories() -> Bool {
    let path = current.value.spoolPath
    let servedSince = current.reloadFacts.servedSince
    var isComplete = true
    for (name, seen) in value.instances {
      guard let end = servedSince[name],
        seen.history == nil || seen.historyEnd != end
      else { continue }
      var history = SpoolHistory()
      let now = Timestamp.now()
      do throws(SpoolError) {
        try SpoolReader(path: path).forEachStored(of: name, before: end) { seconds, kind in
          history.add(StoredKind(instance: name, kind: kind), at: seconds, now: now)
        }
        change(name) { view in
          (view.history, view.historyEnd, view.historyFailure) = (history, end, nil)
        }
      } catch {
        isComplete = false
        change(name) { $0.historyFailure = error }
      }
    }
    return isComplete
  }

  private func change(_ name: InstanceName, _ body: (inout InstanceView) -> Void) {
    view.withLock { body(&$0.instances[name, default: InstanceView()]) }
  }
}
