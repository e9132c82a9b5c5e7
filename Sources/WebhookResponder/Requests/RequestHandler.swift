internal import EventSpool
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// From the first byte of a request, or from its connection's acceptance, to the answer.
let timePerRequest = Duration.seconds(10)

/// Decides requests, one after the other. Each worker has one of its own.
final class RequestHandler {
  private let log: RequestLog
  private let state: WorkerState
  private let isOverloaded: () -> Bool
  private var publishers: [InstanceName: (spool: InstanceSpool, publisher: Publisher)] = [:]

  /// - Parameters:
  ///   - state: is told when the spool is at work.
  ///   - isOverloaded: whether the health check is to say that too many workers are stuck.
  init(log: RequestLog, state: WorkerState, isOverloaded: @escaping () -> Bool = { false }) {
    self.log = log
    self.state = state
    self.isOverloaded = isOverloaded
  }

  /// Decides a request; the outcome is on disk, and its line is handed to the log, when this
  /// returns.
  /// - Parameters:
  ///   - snapshot: what it is decided by.
  ///   - deadline: until when it must be answered.
  ///   - receivedBody: as much of it as came; asked for once, if it is wanted.
  func decide(
    _ parameters: RequestParameters, _ snapshot: Snapshot, until deadline: ContinuousClock.Instant,
    _ receivedBody: (DeliveryPolicy) -> ReceivedBody
  ) -> Outcome {
    let start = ContinuousClock.now
    var route: Route?
    let outcome: Outcome
    do throws(Refusal) {
      let method = try self.method(of: parameters)
      let found = try Route(
        instance: parameters[.instance], hook: parameters[.hook],
        among: snapshot.configuration.instances)
      route = found
      try found.checkMethod(method)
      switch found {
      case .healthCheck(let instances):
        try checkHealth(of: instances, snapshot)
        outcome = .healthy
      case .delivery(let instance, let hook):
        let policy = snapshot.settings.policy
        let body = try RequestBody(
          contentLength: parameters[.contentLength], receivedBody(policy), under: policy)
        let event = try acceptEvent(
          from: DeliveryRequest(parameters, body: body), for: instance, hook: hook,
          under: policy, now: .now())
        state.enterSpool()
        defer { state.leaveSpool() }
        outcome = try store(event, of: instance, snapshot, until: deadline)
      }
    } catch {
      outcome = .refused(error)
    }
    log.write(
      outcome, route: route, remoteAddress: parameters[.remoteAddress].first ?? [],
      microseconds: (ContinuousClock.now - start).microseconds)
    return outcome
  }

  private func method(of parameters: RequestParameters) throws(Refusal) -> [UInt8] {
    guard let method = parameters[.method].first, !method.isEmpty else {
      throw Refusal(.misconfigured, .parameter(.requestMethod, .missing))
    }
    return method
  }

  // MARK: The spool

  private func store(
    _ event: Event, of instance: Instance, _ snapshot: Snapshot,
    until deadline: ContinuousClock.Instant
  ) throws(Refusal) -> Outcome {
    do throws(SpoolError) {
      let publisher = try publisher(for: instance.name, snapshot)
      let minimum = snapshot.settings.minimumFreeBytes
      switch try publisher.publish(event, minimumFreeBytes: minimum, until: deadline) {
      case .stored: return .stored(event.id)
      case .duplicate: return .duplicate(event.id)
      }
    } catch {
      throw error.refusal
    }
  }

  private func publisher(
    for name: InstanceName, _ snapshot: Snapshot
  ) throws(SpoolError) -> Publisher {
    guard let spool = snapshot.spools[name] else {
      preconditionFailure("every instance of a snapshot has its spool")
    }
    if let open = publishers[name], open.spool === spool { return open.publisher }
    // An instance that a reload took away keeps no descriptors open.
    publishers = publishers.filter { snapshot.spools[$0.key] === $0.value.spool }
    let publisher = try Publisher(of: spool)
    publishers[name] = (spool, publisher)
    return publisher
  }

  private func checkHealth(
    of instances: [Instance], _ snapshot: Snapshot
  ) throws(Refusal) {
    if isOverloaded() { throw Refusal(.overloaded) }
    let minimum = snapshot.settings.minimumFreeBytes
    for instance in instances {
      do throws(SpoolError) {
        try snapshot.spools[instance.name]?.checkHealth(minimumFreeBytes: minimum)
      } catch {
        throw error.refusal
      }
    }
  }
}

extension DeliveryRequest {
  fileprivate init(_ parameters: RequestParameters, body: RequestBody) {
    self.init(
      authorization: parameters[.authorization], xSignature: parameters[.xSignature], body: body,
      requestURI: parameters[.requestURI].first ?? [],
      remoteAddress: parameters[.remoteAddress].first ?? [])
  }
}
