internal import LinuxSystem
internal import ServiceProcess
internal import TestSupport
internal import Testing
internal import WebhookCore
@testable internal import WebhookResponder

struct RequestHandlerTests {
  /// The health check's outcome.
  private func health(isOverloaded: Bool) throws -> Outcome {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    let snapshot = try Snapshot(
      configurationPath: try folder.write(exampleConfiguration().utf8, to: "config.yaml"))
    let log = Log(environment: Environment(variables: [:]))
    let counters = Counters(startedAt: Timestamp(seconds: 0))
    let handler = RequestHandler(
      log: RequestLog(log, counters), state: WorkerState(), tally: counters.newTally(),
      keeper: RefusedKeeper(log)
    ) { isOverloaded }
    let now = ContinuousClock.now
    let parameters = requestParameters([
      ("REQUEST_METHOD", Array("GET".utf8)), ("DELVE_HOOK", Array("health".utf8)),
    ])
    return handler.reply(
      to: parameters, snapshot, RequestTimes(began: now, complete: now, taken: now), until: soon
    ) { ReceivedBody(under: $0) }.outcome
  }

  @Test func healthCheckSaysThatTooManyWorkersAreStuck() throws {
    #expect(try health(isOverloaded: false) == .healthy)
    #expect(try health(isOverloaded: true) == .refused(Refusal(.overloaded)))
  }
}
