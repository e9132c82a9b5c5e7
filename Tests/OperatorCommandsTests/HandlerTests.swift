internal import EventSpool
internal import Glibc
internal import LinuxSystem
@testable internal import OperatorCommands
@testable internal import ServiceProcess
internal import TestSupport
internal import Testing

/// Each runs a shell, and waits for as long as that takes.
struct HandlerTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  private func handler(
    _ script: String, timeLimit: Duration = .seconds(600),
    variables: [String: String] = ["PATH": "/usr/bin:/bin"],
    now: @escaping @Sendable () -> SuspendingClock.Instant = { .now }
  ) throws(HandlerError) -> Handler {
    try Handler(
      ["sh", "-c", "cd \(folder.path); \(script)"].map { Array($0.utf8) }, timeLimit: timeLimit,
      environment: Environment(variables: variables),
      log: Log(environment: Environment(variables: [:])), now: now)
  }

  private func run(
    _ handler: Handler, _ variables: [(name: String, value: String)] = [],
    stop: StopRequest = StopRequest()
  ) throws -> HandlerRun {
    let input = FileDescriptor(owning: open("/dev/null", O_RDONLY | O_CLOEXEC))
    return try handler.run(input: input.raw, variables: variables, stop: stop)
  }

  // MARK: Its environment

  @Test func environmentIsTheRunnersWithoutWhatIsMeantForTheRunner() throws {
    let own = Handler.eventVariables + Handler.managerVariables
    let kept = [
      "PATH": "/usr/bin:/bin", "DELVE_API_TOKEN": "t", "DELVE_WEBHOOK_CONFIG": "/c",
      "LISTEN_ADDRESS": "a", "WATCHDOG": "w", "NOTIFY_SOCKETS": "n", "DELVE_URLS": "u",
    ]
    let variables = kept.merging(own.map { ($0, "runner's") }) { $1 }
    _ = try run(
      try handler("env > environment", variables: variables), [("DELVE_URL", "https://acme")])
    // The shell adds some of its own.
    let environment = Set(folder.text(of: "environment").split(separator: "\n").map(String.init))
    #expect(environment.isSuperset(of: kept.map { "\($0)=\($1)" } + ["DELVE_URL=https://acme"]))
    #expect(environment.filter { $0.hasSuffix("=runner's") } == [])
  }

  // MARK: Its time

  /// A time that jumps by an hour once a file is there.
  private func jumpingTime() -> @Sendable () -> SuspendingClock.Instant {
    let path = "\(folder.path)/jump"
    return { .now + (access(path, F_OK) == 0 ? .seconds(3_600) : .zero) }
  }

  @Test func timeLimitIsByTheTimeThatIsGiven() throws {
    let slow = try handler("touch jump; sleep 1000", now: jumpingTime())
    #expect(try run(slow).ending == .timeLimit)
  }

  @Test func timeLimitIsNotReachedWhileThatTimeStands() throws {
    let start = SuspendingClock.now
    let slow = try handler("sleep 0.5; exit 3", timeLimit: .milliseconds(1)) { start }
    #expect(try run(slow).ending == .exit(3))
  }

  @Test func handlerThatIsStoppedIsEndedInTime() throws {
    // Without the signal to continue, only SIGKILL would end it.
    let script = "trap 'exit 0' TERM; kill -STOP $$; while :; do sleep 0.1; done"
    #expect(try run(handler(script, timeLimit: .seconds(15))).ending == .exit(0))
  }

  @Test func handlerThatIgnoresTheRequestToEndIsKilled() throws {
    let script = """
      trap '' TERM; touch jump
      for _ in $(seq 1200); do sleep 0.1; done
      touch outlived
      """
    #expect(try run(handler(script, now: jumpingTime())).ending == .timeLimit)
    #expect(folder.files(below: "") == ["jump"])
  }

  // MARK: Its standard error

  @Test func standardErrorOverTheBoundIsCutAndItsEndIsKept() throws {
    let bytes = HandlerOutput.maximumPassedBytes + 100_000
    let run = try run(handler("head -c \(bytes - 4) /dev/zero >&2; printf 'end.' >&2"))
    #expect(run.ending == .exit(0))
    #expect(run.cutBytes >= 100_000)
    #expect(run.errorOutput.utf8.count == AttemptRecord.maximumOutputBytes)
    #expect(run.errorOutput.hasSuffix("\0end."))
  }
}
