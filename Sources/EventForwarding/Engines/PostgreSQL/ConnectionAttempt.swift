internal import CPostgreSQL
internal import Glibc
internal import ServiceProcess
internal import Synchronization

/// A connection that is being made by a thread of its own: only where it may wait does libpq look names
/// up and go from one host to the next.
final class ConnectionAttempt: Sendable {
  private enum State {
    case pending
    case ended(Made)
    /// Nobody waits for it any more.
    case abandoned
  }

  /// Handed from one thread to the other, never shared.
  private struct Made: @unchecked Sendable {
    let connection: OpaquePointer?
  }

  private let state = Mutex(State.pending)
  private let end = WakeUp()

  init(to uri: String, _ timeLimit: Duration) throws(TargetFailure) {
    let parameters = [
      // What stands behind overrides it, the URI above all.
      ("connect_timeout", String(timeLimit.components.seconds)), ("dbname", uri),
      ("client_encoding", "UTF8"), ("fallback_application_name", "delve-webhook-forward"),
    ]
    let isStarted = startThread { [self] in
      finish(Made(connection: withParameters(parameters) { PQconnectdbParams($0, $1, 1) }))
    }
    guard isStarted else { throw .unavailable("no thread could be started") }
  }

  private func finish(_ made: Made) {
    let isAbandoned = state.withLock { state in
      if case .abandoned = state { return true }
      state = .ended(made)
      return false
    }
    if isAbandoned { return PQfinish(made.connection) }
    end.signal()
  }

  /// Waits for it, unless we are asked to stop. Whether it is a good one, libpq tells.
  func connection(_ signals: StopSignals) throws(TargetFailure) -> OpaquePointer {
    while true {
      signals.read()
      let made = state.withLock { state -> Made? in
        if case .ended(let made) = state { return made }
        if signals.request.isMade { state = .abandoned }
        return nil
      }
      if let made {
        guard let connection = made.connection else { throw .unavailable("out of memory") }
        return connection
      }
      guard !signals.request.isMade else { throw .interrupted }
      var descriptors = [end.descriptor, signals.descriptor].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      poll(&descriptors, 2, 500)
    }
  }
}

/// Calls `body` with two arrays of C strings that end in a null pointer.
private func withParameters<Result>(
  _ parameters: [(name: String, value: String)],
  _ body: (
    UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>
  ) -> Result
) -> Result {
  let names = parameters.map { strdup($0.name) }
  let values = parameters.map { strdup($0.value) }
  defer { for text in names + values { free(text) } }
  return body(names.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil])
}
