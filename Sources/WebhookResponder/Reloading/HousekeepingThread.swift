internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookCore

/// Looks after every spool about once a second, on a thread of its own.
struct HousekeepingThread {
  private let responder: Responder
  private var tasks: [InstanceName: (spool: InstanceSpool, housekeeping: Housekeeping)] = [:]
  private var failures: [InstanceName: SpoolFailure] = [:]

  static func start(_ responder: Responder) throws(StartupError) {
    let isStarted = startThread {
      var thread = HousekeepingThread(responder: responder)
      while true {
        sleep(1)
        thread.step()
      }
    }
    guard isStarted else {
      throw StartupError(message: "no thread could be started", exitCode: EX_OSERR)
    }
  }

  private init(responder: Responder) {
    self.responder = responder
  }

  private mutating func step() {
    let spools = responder.snapshot.spools
    tasks = tasks.filter { spools[$0.key] === $0.value.spool }
    for (name, spool) in spools {
      var task = tasks[name] ?? (spool, Housekeeping(of: spool))
      let failure: SpoolFailure?
      do throws(SpoolFailure) {
        try task.housekeeping.step(now: .now())
        failure = nil
      } catch {
        failure = error
      }
      tasks[name] = task
      report(failure, of: name)
    }
  }

  /// One line when it begins, or changes, and one when it ends.
  private mutating func report(_ failure: SpoolFailure?, of name: InstanceName) {
    guard failures[name] != failure else { return }
    failures[name] = failure
    guard let failure else {
      return responder.log.write(.notice, "spool works again instance=\(name)")
    }
    let outcome = Outcome.refused(failure.refusal)
    let line = RequestLogLine(
      outcome: outcome, route: nil, remoteAddress: [], microseconds: 0)
    responder.log.write(.error, "housekeeping instance=\(name) \(line.text)")
  }
}
