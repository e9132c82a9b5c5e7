internal import EventSpool
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// From the first byte of a request, or from its connection's acceptance, to the answer.
let timePerRequest = Duration.seconds(10)

/// How far the body of a request could be read.
enum BodyChunk {
  /// Valid until the next ones are read.
  case bytes(UnsafeRawBufferPointer)
  case end
  /// The peer went away, or stalled for too long.
  case broken
}

/// What became of a request, and of its body.
struct Decision {
  let outcome: Outcome
  /// Whether as much of the body was read as the web server had announced.
  let isBodyRead: Bool
}

/// Decides requests, one after the other. Each worker has one of its own.
final class RequestHandler {
  private let current: CurrentSnapshot
  private let log: Log
  private var publishers: [InstanceName: (spool: InstanceSpool, publisher: Publisher)] = [:]

  init(_ current: CurrentSnapshot, log: Log) {
    self.current = current
    self.log = log
  }

  /// Decides a request; the outcome is on disk and in the log when this returns.
  /// - Parameter readBody: at most that many of the next bytes of the body; asked until the end, or
  ///   until nothing more is wanted.
  func decide(
    _ parameters: RequestParameters, readBody: (_ atMost: Int) -> BodyChunk
  ) -> Decision {
    let start = ContinuousClock.now
    let snapshot = current.value
    var route: Route?
    var isBodyRead = false
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
        let body = try body(parameters, under: policy, readBody)
        isBodyRead = true
        let event = try acceptEvent(
          from: DeliveryRequest(parameters, body: body), for: instance, hook: hook,
          under: policy, now: .now())
        outcome = try store(event, of: instance, snapshot)
      }
    } catch {
      outcome = .refused(error)
    }
    log(outcome, route, parameters, since: start)
    return Decision(outcome: outcome, isBodyRead: isBodyRead)
  }

  private func method(of parameters: RequestParameters) throws(Refusal) -> [UInt8] {
    guard let method = parameters[.method].first, !method.isEmpty else {
      throw Refusal(.misconfigured, .parameter(.requestMethod, .missing))
    }
    return method
  }

  // MARK: The body

  /// The body to its end: as many bytes as `CONTENT_LENGTH` says, or all there are if it says
  /// nothing.
  private func body(
    _ parameters: RequestParameters, under policy: DeliveryPolicy, _ readBody: (Int) -> BodyChunk
  ) throws(Refusal) -> RequestBody {
    let declared = try contentLength(of: parameters)
    var body = try RequestBody(declaredBytes: declared, under: policy)
    var rest = declared ?? .max
    while rest > 0 {
      switch readBody(min(rest, bodyChunkBytes)) {
      case .bytes(let bytes):
        try body.append(bytes)
        if declared != nil { rest -= bytes.count }
      case .end where declared == nil: return body
      case .end, .broken: throw Refusal(.malformedBody)
      }
    }
    return body
  }

  /// Nil if the length is unknown: absent, or empty as nginx passes it for a body that it does
  /// not buffer.
  private func contentLength(of parameters: RequestParameters) throws(Refusal) -> Int? {
    let values = parameters[.contentLength]
    guard values.count <= 1 else { throw Refusal(.malformedBody) }
    guard let text = values.first, !text.isEmpty else { return nil }
    guard text.count < 32, text.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw Refusal(.malformedBody)
    }
    return Int(String(decoding: text, as: UTF8.self)) ?? .max
  }

  // MARK: The spool

  private func store(
    _ event: Event, of instance: Instance, _ snapshot: Snapshot
  ) throws(Refusal) -> Outcome {
    do throws(SpoolError) {
      let publisher = try publisher(for: instance.name, snapshot)
      let minimum = snapshot.settings.minimumFreeBytes
      switch try publisher.publish(event, minimumFreeBytes: minimum) {
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
    let minimum = snapshot.settings.minimumFreeBytes
    for instance in instances {
      do throws(SpoolError) {
        try snapshot.spools[instance.name]?.checkHealth(minimumFreeBytes: minimum)
      } catch {
        throw error.refusal
      }
    }
  }

  // MARK: The log

  /// A health check that finds nothing leaves no line: one comes every few seconds.
  private func log(
    _ outcome: Outcome, _ route: Route?, _ parameters: RequestParameters,
    since start: ContinuousClock.Instant
  ) {
    guard outcome != .healthy else { return }
    log.write(
      LogLine(
        outcome, route: route, remoteAddress: parameters[.remoteAddress].first ?? [],
        microseconds: (ContinuousClock.now - start).microseconds))
  }
}

/// As much of a body as is read at a time.
let bodyChunkBytes = 8_192

extension DeliveryRequest {
  fileprivate init(_ parameters: RequestParameters, body: RequestBody) {
    self.init(
      authorization: parameters[.authorization], xSignature: parameters[.xSignature], body: body,
      requestURI: parameters[.requestURI].first ?? [],
      remoteAddress: parameters[.remoteAddress].first ?? [])
  }
}
