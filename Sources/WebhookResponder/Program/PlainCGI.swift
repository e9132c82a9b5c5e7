internal import CLinux
internal import EventSpool
internal import Glibc
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// A process that answers one request (RFC 3875): its parameters are the environment, its body is
/// standard input, its answer goes to standard output.
///
/// The command line is never read: it can be the sender's (RFC 3875 §4.4).
struct PlainCGI {
  /// From the start to the end of the body.
  private static let secondsPerRequest = 10

  private let deadline = ContinuousClock.now + .seconds(Self.secondsPerRequest)

  /// - Returns: the exit code: `EX_CONFIG` where configuration or spool could not be read.
  func serve(_ environment: Environment) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    let log = Log(environment: environment)
    let parameters = RequestParameters(entries: clinux_environment())
    do {
      let responder = try Responder(
        configurationPath: Settings.path(environment: environment), log: log,
        opensSpoolsAsTheyAre: true)
      let decision = RequestHandler(responder).decide(parameters, readBody: readBody)
      answer(decision, to: parameters)
      // Whoever reads the answer to its end need not wait for what no promise depends on.
      close(STDOUT_FILENO)
      if case .stored = decision.outcome { responder.keepHouse() }
      return EXIT_SUCCESS
    } catch {
      let spoolError = error as? SpoolSetupError
      log.write(.error, spoolError?.message ?? "\(error)")
      let refusal = spoolError?.failure.refusal ?? Refusal(.misconfigured)
      answer(Decision(outcome: .refused(refusal), isBodyRead: false), to: parameters)
      return EX_CONFIG
    }
  }

  /// The next bytes of the body, as long as the request's time lasts.
  private func readBody(atMost count: Int) -> BodyChunk {
    var waiting = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    let rest = max(.zero, deadline - .now)
    guard poll(&waiting, 1, Int32(clamping: rest.microseconds / 1_000)) > 0 else {
      return .broken
    }
    var result = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      result = read(STDIN_FILENO, buffer.baseAddress, count)
      initialized = max(0, result)
    }
    guard result >= 0 else { return .broken }
    return bytes.isEmpty ? .end : .bytes(bytes)
  }

  private func answer(_ decision: Decision, to parameters: RequestParameters) {
    let bytes = HTTPResponse(to: decision.outcome).bytes(hasBody: !parameters.isHead)
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      guard count > 0 else { return }  // whoever asked has gone
      rest = rest.dropFirst(count)
    }
    // A web server that cannot get rid of the body may drop the answer. But it need not end the
    // input of a request that has none (RFC 3875 §4.2).
    guard !decision.isBodyRead, parameters.mayHaveBody else { return }
    while case .bytes = readBody(atMost: 8_192) {}
  }
}
