internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// A process that answers one request (RFC 3875): its parameters are the environment, its body is
/// standard input, its answer goes to standard output.
///
/// The command line is never read: it can be the sender's (RFC 3875 §4.4).
struct PlainCGI: ~Copyable {
  private let deadline = ContinuousClock.now + timePerRequest
  private let chunk = UnsafeMutableRawBufferPointer.allocate(
    byteCount: bodyChunkBytes, alignment: 1)

  deinit { chunk.deallocate() }

  /// - Returns: the exit code: `EX_CONFIG` if configuration or spool could not be read.
  func serve(_ environment: Environment) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    let log = Log(environment: environment)
    let parameters = RequestParameters(entries: rawEnvironment())
    do throws(SnapshotError) {
      let current = try CurrentSnapshot(
        configurationPath: Settings.path(
          option: nil, variable: environment[Settings.pathVariable]),
        log: log, opensSpoolsAsTheyAre: true)
      let decision = RequestHandler(current, log: log).decide(parameters) { readBody(atMost: $0) }
      answer(decision, to: parameters)
      // Whoever reads the answer to its end need not wait for what no promise depends on.
      close(STDOUT_FILENO)
      if case .stored = decision.outcome { SpoolHousekeeping.finish(current.value, log: log) }
      return EXIT_SUCCESS
    } catch {
      log.write(.error, error.message)
      answer(Decision(outcome: .refused(error.refusal), isBodyRead: false), to: parameters)
      return EX_CONFIG
    }
  }

  /// The next bytes of the body, as long as the request's time lasts.
  private func readBody(atMost count: Int) -> BodyChunk {
    let rest = max(.zero, deadline - .now)
    guard
      isReadable(STDIN_FILENO, withinMilliseconds: Int32(clamping: rest.milliseconds))
    else { return .broken }
    let read = Glibc.read(STDIN_FILENO, chunk.baseAddress, min(count, chunk.count))
    guard read >= 0 else { return .broken }
    return read == 0 ? .end : .bytes(UnsafeRawBufferPointer(rebasing: chunk[..<read]))
  }

  private func answer(_ decision: Decision, to parameters: RequestParameters) {
    let bytes = HTTPResponse(to: decision.outcome).bytes(hasBody: !parameters.isHead)
    // If it cannot be written, the web server has gone.
    guard (try? writeAll(bytes, to: STDOUT_FILENO)) != nil else { return }
    // A web server that cannot get rid of the body may drop the answer. But it need not end the
    // input of a request that has none (RFC 3875 §4.2).
    guard !decision.isBodyRead, parameters.mayHaveBody else { return }
    while case .bytes = readBody(atMost: bodyChunkBytes) {}
  }
}
