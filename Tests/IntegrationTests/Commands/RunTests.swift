internal import Foundation
internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// The built `spool run`: a handler's input, the meaning of its end, and the fate of an event if
/// something dies in the middle.
@Suite(.noHang)
struct RunTests {
  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  // MARK: A handler's input

  @Test func handlerGetsTheFileAndTheEnvironmentAndNothingElse() async throws {
    let name = try site.addEvents(1)[0]
    let script = """
      cat > stdin; env > environment; ls /proc/self/fd | wc -l > descriptors
      grep -E 'Sig(Blk|Ign)' /proc/self/status > signals; ps -o pgid= -p $$ > group; echo $$ > process
      """
    try site.folder.write(script.utf8, to: "handler")
    // Descriptor 9 and the variables belong to the caller.
    let result = try await site.shell(
      "exec 9</dev/null; cd \(site.path) && \(site.program) spool run -- sh handler",
      environment: [
        "LISTEN_FDS": "1", "NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1", "DELVE_EVENT_ID": "x",
        "KEPT": "yes", "DELVE_API_TOKEN": "secret",
      ])
    #expect(result.exitCode == 0, "\(result)")
    #expect(site.text("stdin") == site.text("spool/acme/done/\(site.today)/\(name)"))
    let environment = Set(site.text("environment").split(separator: "\n").map(String.init))
    #expect(environment.contains("KEPT=yes"))
    #expect(environment.contains("DELVE_EVENT_FILE=\(site.path)/spool/acme/cur/\(name)"))
    #expect(environment.contains("DELVE_EVENT_ID=\(site.id(0))"))
    #expect(environment.contains("DELVE_INSTANCE=acme"))
    #expect(environment.contains("DELVE_TYPE=com.delvesecurity.export.done"))
    #expect(environment.contains("DELVE_SUBJECT=export/0"))
    #expect(environment.contains("DELVE_URL=https://acme.delvesecurity.app"))
    // Commands of ours that it calls have what they need.
    #expect(environment.contains("DELVE_API_TOKEN=secret"))
    #expect(environment.contains("DELVE_WEBHOOK_CONFIG=\(site.path)/config.yaml"))
    for prefix in ["LISTEN_", "NOTIFY_", "WATCHDOG_", "DELVE_EVENT_ID=x"] {
      #expect(!environment.contains { $0.hasPrefix(prefix) }, "\(prefix)")
    }
    // 0, 1, 2 and the descriptor that ls itself opens.
    #expect(site.text("descriptors") == "4\n")
    // Signals 32 and 33 belong to the C library.
    let masks = site.text("signals").matches(of: /[0-9a-f]{16}/).compactMap { Int($0.0, radix: 16) }
    #expect(masks.count == 2 && masks.allSatisfy { $0 & 0x7FFF_FFFF == 0 }, "\(masks)")
    #expect(site.text("group").split(separator: " ") == site.text("process").split(separator: " "))
  }

  @Test func oldestComesFirst() async throws {
    let names = try site.addEvents(20, issuedApart: 60)
    let result = try await site.run("echo $DELVE_EVENT_FILE")
    #expect(
      result.output.split(separator: "\n").map { $0.split(separator: "/").last.map(String.init) }
        == names)
  }

  // MARK: The meaning of its end

  @Test(arguments: [
    ("exit 0", "done", Int32(0), ""), ("exit 75", "defer", 1, #""deferrals":1"#),
    ("exit 65", "dead", 1, #""exit":65"#), ("exit 3", "defer", 1, #""attempts":1"#),
    ("kill -9 $$", "defer", 1, #""signal":9"#), ("sleep 1000", "defer", 1, #""timelimit":true"#),
  ])
  func endOfTheHandlerDecides(
    script: String, folder: String, exitCode: Int32, record: String
  ) async throws {
    let name = try site.addEvents(1)[0]
    // Time enough to say it, on a busy machine, too.
    let result = try await site.run(
      "echo said >&2; \(script)", ["--timeout", script == "sleep 1000" ? "15" : "600"])
    #expect(result.exitCode == exitCode, "\(result)")
    let place = folder == "done" ? "done/\(site.today)" : folder
    #expect(site.events == ["acme/\(place)/\(name)"])
    if folder != "done" {
      let state = site.text("spool/acme/\(folder)/\(name).state")
      #expect(state.contains(record), "\(state)")
      #expect(state.contains(#""stderr":"said\n""#), "\(state)")
      let shown = try await site.delveWebhook("spool", "show", name)
      #expect(shown.output.contains("stderr: said"))
    }
  }

  @Test func eventThatCannotBeMovedOnHoldsUpNoOther() async throws {
    let names = try site.addEvents(3, issuedApart: 60)
    let place = "spool/acme/done/\(site.today)"
    try site.folder.write("something else".utf8, to: "\(place)/\(names[1])")
    let result = try await site.run("echo x >> \(site.path)/handled")
    #expect(result.exitCode == 1 && result.errorOutput.contains("left out"), "\(result)")
    #expect(site.text("handled") == "x\nx\nx\n")
    #expect(Set(site.files(place)) == Set(names))
    #expect(site.events.contains("acme/cur/\(names[1])"))
    // It was tried, and is not tried again at once.
    let again = try await site.run("echo x >> \(site.path)/handled")
    #expect(again.exitCode == 1 && again.errorOutput.contains("result=put-off"), "\(again)")
    #expect(site.text("handled") == "x\nx\nx\n")
    #expect(site.events.contains("acme/defer/\(names[1])"))
  }

  @Test func eventIsGivenUpAfterTheLastAttempt() async throws {
    let name = try site.addEvents(1)[0]
    for attempt in 1...3 {
      let result = try await site.run("exit 1", ["--max-attempts", "3"])
      #expect(result.exitCode == 1)
      #expect(site.events == ["acme/\(attempt == 3 ? "dead" : "defer")/\(name)"])
      // The event is not tried before its time.
      try site.makeDue(name, isNow: false)
      #expect(try await site.run("exit 0").exitCode == 0)
      try site.makeDue(name)
    }
    #expect(site.text("spool/acme/dead/\(name).state").contains(#""attempts":3"#))
    #expect(site.files("spool/acme/defer") == [])
  }

  @Test(arguments: [["/nonexistent"], ["no-such-program"], ["/tmp"], ["./text"]])
  func commandThatCannotBeStartedTouchesNoEvent(command: [String]) async throws {
    let name = try site.addEvents(1)[0]
    chmod(try site.folder.write("no program".utf8, to: "text"), 0o755)
    let result = try await site.shell(
      "cd \(site.path) && \(site.program) spool run -- \(command[0])")
    #expect(result.exitCode == 69, "\(result)")
    #expect(site.events == ["acme/new/\(name)"])
  }

  @Test func moreJobsThanTheLimitOnOpenFilesAllowsAreRefusedAtOnce() async throws {
    let name = try site.addEvents(1)[0]
    let result = try await site.shell("ulimit -n 100; \(site.program) spool run --jobs 50 -- true")
    #expect(result.exitCode == 71)
    #expect(result.errorOutput.contains("raise it to 464"))
    #expect(site.events == ["acme/new/\(name)"])
  }

  @Test func fileThatIsNoEventIsGivenUpUnseen() async throws {
    try site.folder.write("half".utf8, to: "spool/acme/new/20261124T000000Z-a-b-c-d.json")
    let result = try await site.run("touch \(site.path)/ran")
    #expect(result.exitCode == 1)
    #expect(site.events == ["acme/dead/20261124T000000Z-a-b-c-d.json"])
    #expect(!FileManager.default.fileExists(atPath: "\(site.path)/ran"))
  }

  @Test func onceHandlesTheOldestAlone() async throws {
    let names = try site.addEvents(3, issuedApart: 60)
    #expect(try await site.run("exit 0", ["--once"]).exitCode == 0)
    #expect(site.files("spool/acme/new") == Array(names.dropFirst()))
  }

  @Test(arguments: [
    ["spool", "run"], ["spool", "run", "--jobs", "0", "--", "true"],
    ["spool", "run", "--once", "--follow", "--", "true"],
  ])
  func wrongCommandLineIsAUsageError(arguments: [String]) async throws {
    #expect(try await site.delveWebhook(arguments).exitCode == 64)
  }

  @Test(.enabled(if: getuid() == 0, "needs root, to give the spool to another user"))
  func spoolOfAnotherUserIsLeftAlone() async throws {
    let name = try site.addEvents(1)[0]
    _ = try await command("chown", ["-R", "daemon", "\(site.path)/spool/acme"])
    let result = try await site.run("exit 0")
    #expect(result.exitCode == 77)
    #expect(result.errorOutput.contains("run this as its owner"))
    #expect(site.events == ["acme/new/\(name)"])
  }

  // MARK: Processes that die

  @Test func handlerThatOutlivesItsRunnerIsNotStartedASecondTime() async throws {
    let name = try site.addEvents(1)[0]
    let script =
      "echo begun >> \(site.path)/runs; until test -e \(site.path)/go; do sleep 0.1; done"
    let runner = try site.start("run", "--", "sh", "-c", script)
    #expect(try await eventually { site.text("runs") == "begun\n" })
    runner.send(signal: SIGKILL)
    #expect(try await runner.exitCode() == -SIGKILL)
    // The handler still holds the event.
    #expect(try await site.run("echo second >> \(site.path)/runs").exitCode == 0)
    #expect(site.text("runs") == "begun\n")
    #expect(site.events == ["acme/cur/\(name)"])
    try site.folder.write([], to: "go")
    let isHandled = try await eventually {
      _ = try await site.run("echo second >> \(site.path)/runs")
      return site.text("runs") == "begun\nsecond\n"
    }
    #expect(isHandled, "\(site.text("runs")) \(site.events)")
    #expect(site.events == ["acme/done/\(site.today)/\(name)"])
  }

  @Test func terminationLetsHandlersFinish() async throws {
    let name = try site.addEvents(2)[0]
    // It ends by itself once its runner is about to, which waits no longer than 30 seconds.
    let script = """
      echo begun > \(site.path)/begun
      until grep -q stopping \(site.path)/runner.log; do sleep 0.1; done
      """
    let runner = try site.start("run", "--follow", "--", "sh", "-c", script)
    #expect(try await eventually { site.text("begun") != "" })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    #expect(site.events.filter { $0.contains("/done/") } == ["acme/done/\(site.today)/\(name)"])
    #expect(site.files("spool/acme/new").count == 1)
  }

  @Test func secondTerminationEndsHandlersAndTheirChildren() async throws {
    let name = try site.addEvents(1)[0]
    let script = "sleep 1000 & echo $! > \(site.path)/child; sleep 1000"
    let runner = try site.start("run", "--follow", "--", "sh", "-c", script)
    #expect(try await eventually { site.text("child") != "" })
    runner.send(signal: SIGTERM)
    #expect(try await eventually { site.text("runner.log").contains("stopping") })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    // The event lies as if it had never been claimed.
    #expect(site.events == ["acme/new/\(name)"])
    let child = try #require(Int32(site.text("child").dropLast()))
    #expect(try await eventually { kill(child, 0) != 0 })
  }

  @Test func arrivalsAreHandledWhileItFollowsAlsoOfNewInstances() async throws {
    let runner = try site.start("run", "--follow", "--", "sh", "-c", "cat >> \(site.path)/seen")
    // Once the first is done, it waits for more.
    try site.addEvents(1)
    #expect(try await eventually { site.files("spool/acme/done").count == 1 })
    for (instance, count) in [("acme", 4), ("later", 3)] {
      try site.addEvents(3, from: 1, instance: instance)
      let isSeen = try await eventually {
        site.files("spool/\(instance)/done").count == count
      }
      #expect(isSeen, "\(instance)")
    }
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  @Test func runnersThatAreKilledLoseNoEvent() async throws {
    try site.addEvents(300)
    let script = "echo $DELVE_EVENT_ID >> \(site.path)/handled"
    for _ in 0..<6 {
      let runners = try (0..<3).map { _ in
        try site.start("run", "--jobs", "2", "--", "sh", "-c", script)
      }
      try await Task.sleep(for: .milliseconds(60))
      for runner in runners { runner.send(signal: SIGKILL) }
      for runner in runners { _ = try await runner.exitCode() }
    }
    // Handlers in progress may run on for a moment, and hold their events.
    let isDrained = try await eventually {
      _ = try await site.run(script, ["--jobs", "4"])
      return site.files("spool/acme/done").count == 300
    }
    #expect(isDrained, "\(site.events.filter { !$0.contains("/done/") })")
    let handled = site.text("handled").split(separator: "\n")
    #expect(Set(handled).count == 300)
    // Each event is handled once, except those of the killed runners: 18 runners had two each.
    #expect(handled.count <= 300 + 36)
  }

  @Test func handlerThatIsAskedToEndAndSaysThatItIsDoneIsDone() async throws {
    let name = try site.addEvents(1)[0]
    let script = "trap 'exit 0' TERM; echo begun > \(site.path)/begun; while :; do sleep 0.1; done"
    let runner = try site.start("run", "--follow", "--", "sh", "-c", script)
    #expect(try await eventually { site.text("begun") != "" })
    runner.send(signal: SIGTERM)
    #expect(try await eventually { site.text("runner.log").contains("stopping") })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    #expect(site.events == ["acme/done/\(site.today)/\(name)"])
  }

  @Test(arguments: ["rm \"$DELVE_EVENT_FILE\"", "mv \"$DELVE_EVENT_FILE\" taken"])
  func handlerMayTakeItsFileAway(script: String) async throws {
    try site.addEvents(2)
    for exitCode in ["0", "1"] {
      let result = try await site.run("cd \(site.path); \(script); exit \(exitCode)", ["--once"])
      #expect(result.exitCode == (exitCode == "0" ? 0 : 1), "\(result)")
    }
    #expect(site.events == [])
    #expect(site.files("spool/acme/defer") == [])
  }

  @Test func dayThatIsRemovedWhileItFollowsIsMadeAgain() async throws {
    let runner = try site.start("run", "--follow", "--", "true")
    for number in 0..<2 {
      let name = try site.addEvents(1, from: number)[0]
      #expect(try await eventually { site.events == ["acme/done/\(site.today)/\(name)"] })
      _ = try await site.shell("rm -r \(site.path)/spool/acme/done/*")
    }
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  @Test func childrenThatNobodyMayWaitForDoNotHangIt() async throws {
    try site.addEvents(2)
    let result = try await site.shell(
      "trap '' CHLD; exec timeout 600 \(site.program) spool run -- true")
    #expect(result.exitCode == 0, "\(result)")
  }

  @Test func handlerThatNeverStopsTalkingIsEndedInTime() async throws {
    try site.addEvents(1)
    // The reader of its standard error is slow. If the handler were not ended, neither would this be.
    let result = try await site.shell(
      "\(site.program) spool run --timeout 1 -- sh -c 'yes >&2' 2>&1 "
        + "| { for i in 1 2 3 4 5 6 7 8; do head -c 4096; sleep 0.5; done; cat; } | tail -n 1")
    #expect(
      result.output.contains("over the time limit") || site.files("spool/acme/defer").count == 2)
  }

  // MARK: Other files in the spool

  @Test func oddFilesHoldNobodyUp() async throws {
    let long = "20260921T141320Z-" + String(repeating: "x", count: 228) + ".json"
    try site.folder.write("{}".utf8, to: "spool/acme/new/\(long)")
    _ = try await site.shell(
      """
      cd \(site.path)/spool/acme/new; mkdir 00.json; mkfifo 01.json; ln -s /etc/passwd 02.json
      : > "$(printf '03\\n.json')"; mkdir \(site.path)/spool/backup
      """)
    let good = try site.addEvents(2)
    // The record of this event cannot be written.
    try site.folder.makeFolder("spool/acme/defer/\(good[0]).state")
    let result = try await site.run(
      "test $DELVE_SUBJECT != export/0 && echo handled $DELVE_SUBJECT", ["--jobs", "2"])
    #expect(result.output == "handled export/1\n", "\(result)")
    // An event to be tried again is never given up.
    #expect(site.files("spool/acme/cur") == [good[0]])
    #expect(result.errorOutput.contains("left out: "))
    #expect(!FileManager.default.fileExists(atPath: "\(site.path)/spool/backup/new"))
    // The next run works, too.
    try site.addEvents(1, from: 5)
    #expect(try await site.run("exit 0").errorOutput.contains("result=done"))
  }

  @Test func recordWithAnyNumberIsBorne() async throws {
    let name = try site.addEvents(1)[0]
    _ = try await site.run("exit 1")
    try site.folder.write(
      #"{"attempts":9223372036854775807,"deferrals":9223372036854775807}"#.utf8,
      to: "spool/acme/defer/\(name).state")
    #expect(try await site.run("exit 75").exitCode == 1)
    #expect(site.text("spool/acme/defer/\(name).state").contains(#""deferrals":1000001"#))
  }

  @Test func otherThingUnderAnEventsNameIsNotTakenForIt() async throws {
    let name = try site.addEvents(1)[0]
    try site.folder.makeFolder("spool/acme/cur")
    try site.folder.makeFolder("spool/acme/dead")
    let place = "\(site.path)/spool/acme/cur/\(name)"
    _ = try await site.shell("mkdir \(place)")
    let result = try await site.run("exit 0")
    #expect(result.errorOutput.contains("left out: "), "\(result)")
    #expect(site.files("spool/acme/new") == [name])
    // An empty file is given up. Then the event's place is free.
    _ = try await site.shell("rmdir \(place); touch \(place)")
    #expect(try await site.run("exit 0").exitCode == 1)
    try site.makeDue(name)
    #expect(try await site.run("exit 0").exitCode == 1)
    #expect(
      site.events == ["acme/dead/\(name)", "acme/done/\(site.today)/\(name)"], "\(site.events)")
  }

  // MARK: Progress

  @Test func barIsShownAtATerminalAndNowhereElse() async throws {
    try site.addEvents(5)
    let atTerminal = try await site.shell(
      "script -qec '\(site.program) spool run -- sleep 0.15' /dev/null")
    #expect(atTerminal.output.contains("] 5/5"))
    #expect(!atTerminal.output.contains("result=done"))
    try site.addEvents(5, from: 5)
    let inPipe = try await site.run("exit 0")
    #expect(!inPipe.errorOutput.contains("5/5"))
    #expect(
      inPipe.errorOutput.matches(of: /result=done instance=acme id=[0-9a-f]{64} exit=0/).count == 5)
  }
}
