internal import EventSpool
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// Keeps refused requests, if the configuration wants some, on a thread of its own: no answer waits
/// for the disk, or fails with it.
///
/// Unchecked because the other properties are only touched while `arrival` is locked.
final class RefusedKeeper: @unchecked Sendable {
  private struct Refused {
    let name: RefusedRequestName
    let text: [UInt8]
    let spool: String
    let newest: Int
    let minimumFreeBytes: Int
  }

  private struct Kind: Hashable {
    let instance: InstanceName?
    let reason: Refusal.Reason
  }

  /// For each instance and code word.
  private static let timeBetween = Duration.seconds(1)
  private static let mostWaiting = 64

  private let log: Log
  private let arrival = ConditionVariable()
  private var waiting: [Refused] = []
  private var last: [Kind: ContinuousClock.Instant] = [:]
  /// Whether the last one could not be kept.
  private var isFailing = false

  init(_ log: Log) {
    self.log = log
  }

  /// Has the request kept, unless another one of its instance and code word came within the second.
  /// - Returns: the file, relative to the spool; nil if there will be none. Another process may have
  ///   kept one of the same second in its place.
  func keep(
    _ request: DecidedRequest, _ parameters: RequestParameters, body: ReceivedBody?,
    _ snapshot: Snapshot
  ) -> String? {
    let settings = snapshot.settings
    guard settings.keptRefused > 0, case .refused(let refusal) = request.outcome,
      refusal.reason.isKept, request.isDeliveryOrUnknown,
      mayKeep(Kind(instance: request.instance, reason: refusal.reason))
    else { return nil }
    let name = RefusedRequestName(
      instance: request.instance, refusal.reason, at: request.decidedAt,
      number: .random(in: .min ... .max))
    let text = RefusedRequestText(
      request, refusal, parameters, body, maxFieldBytes: settings.policy.maxTokenBytes + 1)
    // A longer one could not be read again.
    guard text.bytes.count <= RefusedRequests.maximumBytes else { return nil }
    let refused = Refused(
      name: name, text: text.bytes, spool: snapshot.spoolPath, newest: settings.keptRefused,
      minimumFreeBytes: settings.minimumFreeBytes)
    arrival.lock()
    waiting.append(refused)
    let isFailing = isFailing
    arrival.unlock()
    arrival.signal()
    return isFailing ? nil : RefusedRequests.path(of: name)
  }

  private func mayKeep(_ kind: Kind) -> Bool {
    let now = ContinuousClock.now
    arrival.lock()
    defer { arrival.unlock() }
    guard waiting.count < Self.mostWaiting,
      last[kind].map({ now - $0 >= Self.timeBetween }) ?? true
    else { return false }
    last[kind] = now
    return true
  }

  // MARK: Writing

  func start() throws(SystemError) {
    try startThread { [self] in
      while true { write(next()) }
    }
  }

  /// Writes what waits, in the calling thread.
  func finish() {
    arrival.lock()
    let rest = waiting
    waiting = []
    arrival.unlock()
    for refused in rest { write(refused) }
  }

  private func next() -> Refused {
    arrival.lock()
    defer { arrival.unlock() }
    while waiting.isEmpty { arrival.wait() }
    return waiting.removeFirst()
  }

  private func write(_ refused: Refused) {
    do throws(SpoolError) {
      try RefusedRequests(inSpool: refused.spool).keep(
        refused.text, as: refused.name, newest: refused.newest,
        minimumFreeBytes: refused.minimumFreeBytes, now: .now())
      note(failure: nil)
    } catch {
      note(failure: error)
    }
  }

  /// One line when it begins.
  private func note(failure: SpoolError?) {
    arrival.lock()
    let wasFailing = isFailing
    isFailing = failure != nil
    arrival.unlock()
    guard let failure, !wasFailing else { return }
    log.write(
      .warning, "refused requests cannot be kept: \(failure.message)",
      ["hint": .text(failure.remedy)])
  }
}

extension Refusal.Reason {
  /// Those that a sender or the web server's configuration is to blame for, not the disk.
  fileprivate var isKept: Bool { (400...499).contains(status.rawValue) || self == .misconfigured }
}
