internal import WebhookCore

/// A thread's work: takes connections that have something to read and serves one request on each.
struct Worker {
  let responder: Responder
  let queue: WorkQueue
  let poller: Poller

  /// Never returns.
  func run() -> Never {
    let handler = RequestHandler(responder)
    let request = FastCGIRequest()
    while true {
      let connection = queue.next()
      let isOpen = serve(connection, with: handler, request)
      if isOpen { poller.keep(connection) } else { poller.forget(connection) }
    }
  }

  /// - Returns: whether the connection is still open.
  private func serve(
    _ connection: Connection, with handler: RequestHandler, _ request: FastCGIRequest
  ) -> Bool {
    guard let parameters = request.parameters(from: connection.descriptor) else { return false }
    let decision = handler.decide(parameters) { request.readBody(atMost: $0) }
    return request.respond(
      with: HTTPResponse(to: decision.outcome).bytes(hasBody: !parameters.isHead),
      isBodyRead: decision.isBodyRead, mayKeepConnection: poller.mayKeepConnections)
  }
}
