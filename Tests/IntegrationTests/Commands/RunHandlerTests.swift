internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// The built `spool run`: how it starts handlers, and how it ends them.
@Suite(.noHang)
struct RunHandlerTests {
  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  /// Starts a runner with signals as a login shell has them, whatever the tests were started with.
  private func start(
    _ options: String..., environment: [String] = [], script: String
  ) throws -> SpawnedProcess {
    try SpawnedProcess(
      "env",
      ["--default-signal", "DELVE_WEBHOOK_CONFIG=\(site.path)/config.yaml"] + environment
        + [site.program, "spool", "run"] + options + ["--", "sh", "-c", script],
      log: "\(site.path)/runner.log")
  }

  /// A script that has begun once `begun` is there, and ends by itself once its runner is about to,
  /// which waits no longer than 30 seconds.
  private var patient: String {
    """
    echo begun > \(site.path)/begun
    until grep -q stopping \(site.path)/runner.log; do sleep 0.1; done
    """
  }

  // MARK: How they are started

  @Test func handlerHasTheRunnersLimitOnOpenFiles() async throws {
    try site.addEvents(1)
    let result = try await site.shell(
      "ulimit -Sn 777; ulimit -Hn; \(site.program) spool run -- sh -c 'ulimit -Hn; ulimit -Sn'")
    let limits = result.output.split(separator: "\n")
    #expect(limits.count == 3 && limits[0] == limits[1] && limits[2] == "777", "\(result)")
  }

  @Test func valuesAndArgumentsAreHandedOverByteForByte() async throws {
    try site.addEvents(1)
    // An é of Latin-1 is no UTF-8. A second -- is the command's own.
    let result = try await site.shell(
      #"""
      e=$(printf '\351'); export NAME="caf$e"
      \#(site.program) spool run -- sh -c 'printf "%s|" "$NAME" "$@" | od -An -tx1' sh "$e" -- x
      """#)
    #expect(
      result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        == "63 61 66 e9 7c e9 7c 2d 2d 7c 78 7c", "\(result)")
  }

  @Test(arguments: [
    ("#!/bin/sh\r\nexit 0\r\n", "its first line ends in a carriage return"),
    ("#!/usr/bin/no-such-shell\n", "the interpreter /usr/bin/no-such-shell of its first line"),
  ])
  func scriptWithoutAnInterpreterIsNamedAndTouchesNoEvent(
    contents: String, problem: String
  ) async throws {
    let name = try site.addEvents(1)[0]
    let path = try site.folder.write(contents.utf8, to: "handler")
    chmod(path, 0o755)
    let result = try await site.delveWebhook("spool", "run", "--", path)
    #expect(
      result.exitCode == 69 && result.errorOutput.contains("\(path): \(problem)"), "\(result)")
    #expect(site.events == ["acme/new/\(name)"])
  }

  @Test func handlerThatIsBeingReplacedIsWaitedFor() async throws {
    let name = try site.addEvents(1)[0]
    chmod(try site.folder.write("#!/bin/sh\nexit 0\n".utf8, to: "handler"), 0o755)
    // On a busy machine, the runner's two seconds may be over before the file is closed: then again.
    let isWaitedFor = try await eventually {
      let result = try await site.shell(
        """
        cd \(site.path); exec 9>>handler
        \(site.program) spool run -- ./handler 9>&- & sleep 0.5; exec 9>&-; wait $!
        """)
      if result.errorOutput.contains("it is open for writing") { return false }
      #expect(result.exitCode == 0, "\(result)")
      return true
    }
    #expect(isWaitedFor)
    #expect(site.events == ["acme/done/\(site.today)/\(name)"])
  }

  // MARK: How they are ended

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT])
  func signalLetsHandlersFinish(signal: Int32) async throws {
    let name = try site.addEvents(1)[0]
    let runner = try start("--follow", script: patient)
    #expect(try await eventually { site.text("begun") != "" })
    runner.send(signal: signal)
    #expect(try await runner.exitCode() == 0)
    #expect(site.events == ["acme/done/\(site.today)/\(name)"])
  }

  @Test func hangUpThatWasIgnoredAtTheStartStaysIgnored() async throws {
    let name = try site.addEvents(1)[0]
    let runner = try start("--follow", environment: ["nohup"], script: patient)
    #expect(try await eventually { site.text("begun") != "" })
    // If the first one counted, the second would end the handler.
    runner.send(signal: SIGHUP)
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    #expect(site.events == ["acme/done/\(site.today)/\(name)"])
  }
  /// It would be stopped, and nobody would say so.
  @Test func commandThatAsksAtTheTerminalFailsAtOnce() async throws {
    let name = try site.addEvents(1)[0]
    let result = try await site.shell(
      "script -qec '\(site.program) spool run -- sh -c \"read answer </dev/tty\"' /dev/null </dev/null"
    )
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("/dev/tty"), "\(result)")
    #expect(site.text("spool/acme/defer/\(name).state").contains("\"exit\":"), "\(result)")
  }

  @Test func handlerThatIsStoppedIsContinuedWhenItIsToEnd() async throws {
    try site.addEvents(1)
    try site.folder.write(
      """
      trap 'echo ended > \(site.path)/ended; exit 1' TERM
      kill -STOP $$
      """.utf8, to: "handler")
    let result = try await site.shell(
      "script -qec '\(site.program) spool run --timeout 15 -- sh \(site.path)/handler' /dev/null")
    #expect(site.text("ended") == "ended\n", "\(result)")
  }

  // MARK: What they say

  @Test func standardErrorOverTheBoundIsCutAndTheLogSaysSo() async throws {
    let name = try site.addEvents(1)[0]
    let result = try await site.shell(
      """
      cd \(site.path)
      \(site.program) spool run -- sh -c 'head -c 6000000 /dev/zero >&2; echo last >&2; exit 3' 2>log
      status=$?; tr -d '\\0' <log; wc -c <log; exit $status
      """)
    #expect(result.exitCode == 1)
    let missing = 6_000_005 - (4 << 20)
    #expect(
      result.output.contains("instance=acme file=\(name) missingbytes=\(missing)\n"), "\(result)")
    let size = try #require(result.output.split(separator: "\n").last.flatMap { Int($0) })
    #expect(size > 4 << 20 && size < 4 << 20 + 1_000)
    #expect(site.text("spool/acme/defer/\(name).state").contains(#"\u0000last\n""#))
  }

  // MARK: Their time

  /// A machine that has slept for an hour: CLOCK_BOOTTIME says so, CLOCK_MONOTONIC does not. In the
  /// second case the other clock jumps, which shows that the library does what it should.
  @Test(
    arguments: [("CLOCK_BOOTTIME", true), ("CLOCK_MONOTONIC", false)])
  func timeLimitDoesNotRunWhileTheMachineSleeps(clock: String, isDone: Bool) async throws {
    let name = try site.addEvents(1)[0]
    try site.folder.write(Self.jumpingClock.utf8, to: "clock.c")
    let made = try await site.shell(
      """
      cd \(site.path) && $(command -v cc || command -v clang) -shared -fPIC -DJUMPS=\(clock) \
        -o clock.so clock.c -ldl
      """)
    #expect(made.exitCode == 0, "\(made)")
    let result = try await site.shell(
      """
      cd \(site.path) && LD_PRELOAD=./clock.so \(site.program) spool run --timeout 600 -- \
        sh -c 'sleep 1; echo > jump; sleep \(isDone ? 1 : 1000)'
      """)
    #expect(result.exitCode == (isDone ? 0 : 1), "\(result)")
    #expect(result.errorOutput.contains("over the time limit") != isDone, "\(result)")
    #expect(site.events == [isDone ? "acme/done/\(site.today)/\(name)" : "acme/defer/\(name)"])
  }

  /// Adds an hour to one clock once the file `jump` is there.
  private static let jumpingClock = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <time.h>
    #include <unistd.h>

    int clock_gettime(clockid_t clock, struct timespec *time)
    {
        static int (*real)(clockid_t, struct timespec *);
        if (!real)
            real = dlsym(RTLD_NEXT, "clock_gettime");
        int result = real(clock, time);
        if (clock == JUMPS && access("jump", F_OK) == 0)
            time->tv_sec += 3600;
        return result;
    }
    """
}
