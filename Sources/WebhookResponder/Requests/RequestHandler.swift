internal import EventSpool
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// From the first byte of a request, or from its connection's acceptance, to the answer.
let timePerRequest = Duration.seconds(10)

/// Decides requests, one after the other. Each worker has one of its own.
final class RequestHandler {
  /// What became of a request, and its answer.
  struct Reply {
    let outcome: Outcome
    /// As a CGI response.
    let bytes: [UInt8]
  }

  private let log: RequestLog
  private let state: WorkerState
  private let tally: Tally
  private let keeper: RefusedKeeper
  private let observer: Observer?
  private let isOverloaded: () -> Bool
  private var publishers: [InstanceName: (spool: InstanceSpool, publisher: Publisher)] = [:]

  /// - Parameters:
  ///   - state: is told when the spool is at work.
  ///   - tally: counts the deliveries.
  ///   - keeper: keeps refused requests.
  ///   - observer: shows what the program does; nil if this process knows only a part of that.
  ///   - isOverloaded: whether the health check is to say that too many workers are stuck.
  init(
    log: RequestLog, state: WorkerState, tally: Tally, keeper: RefusedKeeper,
    observer: Observer? = nil, isOverloaded: @escaping () -> Bool = { false }
  ) {
    self.log = log
    self.state = state
    self.tally = tally
    self.keeper = keeper
    self.observer = observer
    self.isOverloaded = isOverloaded
  }

  /// Decides a request; the outcome is on disk, its line is handed to the log, and it is counted,
  /// when this returns.
  /// - Parameters:
  ///   - snapshot: what it is decided by.
  ///   - times: of what happened to it so far.
  ///   - deadline: until when it must be answered.
  ///   - receivedBody: as much of it as came; asked for once, if it is wanted.
  func reply(
    to parameters: RequestParameters, _ snapshot: Snapshot, _ times: RequestTimes,
    until deadline: ContinuousClock.Instant, _ receivedBody: (Settings) -> ReceivedBody
  ) -> Reply {
    let now = Timestamp.now()
    var times = times
    var route: Route?
    var page: HTTPResponse?
    var received: ReceivedBody?
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
      case .observation(let observation, let instances):
        page =
          observer?.page(observation, of: instances, for: parameters[.accept]) ?? .ofOneOfSeveral
        outcome = .shown
      case .delivery(let instance, let hook):
        let policy = snapshot.settings.policy
        let wholeBody = receivedBody(snapshot.settings)
        received = wholeBody
        let body = try RequestBody(
          contentLength: parameters[.contentLength], wholeBody, under: policy)
        let event = try acceptEvent(
          from: DeliveryRequest(parameters, body: body), for: instance, hook: hook,
          under: policy, now: now)
        times.accepted = .now
        state.enterSpool()
        defer { state.leaveSpool() }
        outcome = try store(event, of: instance, snapshot, until: deadline)
      }
    } catch {
      outcome = .refused(error)
    }
    times.ended = .now
    var request = DecidedRequest(
      outcome: outcome, route: route, times: times, decidedAt: now,
      remoteAddress: printableAddress(parameters[.remoteAddress].first ?? []))
    request.keptAs = keeper.keep(request, parameters, body: received, snapshot)
    log.write(request, slowMilliseconds: snapshot.settings.slowMilliseconds)
    let response = page ?? HTTPResponse(to: outcome)
    let bytes = response.bytes(hasBody: !parameters.isHead)
    tally.add(request, sentBytes: bytes.count)
    return Reply(outcome: outcome, bytes: bytes)
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
      case .stored: return .stored(event.summary)
      case .duplicate: return .duplicate(event.summary)
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
