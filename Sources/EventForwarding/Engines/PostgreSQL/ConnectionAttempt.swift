internal import CPostgreSQL
internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import Synchronization

/// A connection that is being made by a thread of its own: libpq looks names up and goes from one
/// host to the next only if it may wait.
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
  private let end: WakeUp

  init(to uri: String, _ timeLimit: Duration) throws(TargetError) {
    let parameters = [
      // A later parameter overrides an earlier one, the URI above all.
      ("connect_timeout", String(timeLimit.components.seconds)), ("dbname", uri),
      ("client_encoding", "UTF8"), ("fallback_application_name", "delve-webhook-forward"),
    ]
    do throws(SystemError) {
      end = try WakeUp()
      try startThread { [self] in
        finish(Made(connection: withParameters(parameters) { PQconnectdbParams($0, $1, 1) }))
      }
    } catch {
      throw .unavailable("\(error.call.rawValue): \(error.reason)")
    }
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

  /// Waits for it, unless we are asked to stop. libpq tells whether it is a good one.
  func connection(_ signals: StopSignals) throws(TargetError) -> OpaquePointer {
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
      waitUntilReadable([end.descriptor, signals.descriptor], milliseconds: 500)
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
