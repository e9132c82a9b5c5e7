internal import Glibc
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

/// - Returns: the exit code: `EX_CONFIG` if configuration or spool could not be read.
func servePlainCGI(_ environment: Environment) -> Int32 {
  var process = PlainCGI()
  return process.serve(environment)
}

/// A process that answers one request (RFC 3875): its parameters are the environment, its body is
/// standard input, its answer goes to standard output.
///
/// The command line is never read: it can be the sender's (RFC 3875 §4.4).
private struct PlainCGI: ~Copyable {
  private let start = ContinuousClock.now
  /// How much of standard input came.
  private var receivedBytes = 0
  private let chunk = UnsafeMutableRawBufferPointer.allocate(
    byteCount: 64 << 10, alignment: 1)

  deinit { chunk.deallocate() }

  private var deadline: ContinuousClock.Instant { start + timePerRequest }

  mutating func serve(_ environment: Environment) -> Int32 {
    let log = Log(environment: environment)
    let parameters = RequestParameters(entries: rawEnvironment())
    do throws(SnapshotError) {
      let current = try CurrentSnapshot(
        configurationPath: Settings.path(
          option: nil, variable: environment[Settings.pathVariable]),
        log: log, manager: ServiceManager(environment: environment), for: parameters)
      let counters = Counters(startedAt: .now())
      let keeper = RefusedKeeper(log)
      let handler = RequestHandler(
        log: RequestLog(log, counters), state: WorkerState(), tally: counters.newTally(),
        keeper: keeper)
      let times = RequestTimes(began: start, complete: start, taken: start)
      let reply = handler.reply(to: parameters, current.value, times, until: deadline) {
        receiveBody(of: parameters, under: $0)
      }
      answer(reply.bytes, to: parameters)
      keeper.finish()
      if case .stored = reply.outcome { SpoolHousekeeping.finish(current.value, log: log) }
      return EXIT_SUCCESS
    } catch {
      log.write(.error, error.message)
      let response = HTTPResponse(to: .refused(error.refusal))
      answer(response.bytes(hasBody: !parameters.isHead), to: parameters)
      return EX_CONFIG
    }
  }

  private mutating func receiveBody(
    of parameters: RequestParameters, under settings: Settings
  ) -> ReceivedBody {
    var body = ReceivedBody(under: settings)
    while let bytes = nextBytes(of: parameters) { body.append(bytes) }
    return body
  }

  /// The next bytes of standard input, as long as the request's time lasts; nil at its end, or
  /// after the declared length: a web server need not end the input (RFC 3875 §4.2).
  private mutating func nextBytes(of parameters: RequestParameters) -> UnsafeRawBufferPointer? {
    // What is no length is refused when it is looked at.
    let declared = (try? RequestBody.length(parameters[.contentLength])) ?? nil
    guard receivedBytes < declared ?? .max else { return nil }
    let rest = max(.zero, deadline - .now)
    guard
      isReadable(STDIN_FILENO, withinMilliseconds: Int32(clamping: rest.milliseconds))
    else { return nil }
    let count = read(STDIN_FILENO, chunk.baseAddress, chunk.count)
    guard count > 0 else { return nil }
    receivedBytes += count
    return UnsafeRawBufferPointer(rebasing: chunk[..<count])
  }

  private mutating func answer(_ bytes: [UInt8], to parameters: RequestParameters) {
    // If it cannot be written, the web server has gone.
    guard (try? writeAll(bytes, to: STDOUT_FILENO)) != nil else { return }
    // Whoever reads the answer to its end need not wait for what no promise depends on.
    close(STDOUT_FILENO)
    // A web server that cannot get rid of the body may drop the answer. Its input
    // filters may have made the body longer than was declared.
    guard parameters.mayHaveBody else { return }
    while nextBytes(of: parameters) != nil {}
    while isReadable(STDIN_FILENO, withinMilliseconds: 100),
      read(STDIN_FILENO, chunk.baseAddress, chunk.count) > 0
    {}
  }
}
