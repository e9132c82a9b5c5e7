internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// Faults of folders, disks, clocks and files under `spool run`, and whose events pay for them.
@Suite(.noHang)
struct ConsumerFaultTests {
  private static let isRoot = getuid() == 0
  private static let canMount = mountIsAllowed()

  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  private var handled: Int { site.text("handled").split(separator: "\n").count }
  private var countingHandler: String { "echo $DELVE_SUBJECT >> \(site.path)/handled" }

  /// Gives the spool, with all its folders, to a user without privileges.
  private func giveToNobody() async throws {
    let folders = ["new", "cur", "defer", "dead", "done", "ids"].map {
      "\(site.path)/spool/acme/\($0)"
    }
    let result = try await site.shell(
      "mkdir -p \(folders.joined(separator: " ")) && chown -R 65534:65534 \(site.path)")
    #expect(result.exitCode == 0, "\(result)")
  }

  private var asNobody: String {
    "DELVE_WEBHOOK_CONFIG=\(site.path)/config.yaml exec setpriv --reuid=65534 --regid=65534 "
      + "--clear-groups \(site.program) spool"
  }

  private func runAsNobody(_ script: String, _ options: String = "") async throws -> CommandResult {
    try await site.shell("cd \(site.path) && \(asNobody) run \(options) -- sh -c '\(script)'")
  }

  // MARK: Folders

  @Test(
    .enabled(if: isRoot, "needs root, to give the spool to another user"),
    arguments: ["new", "cur", "defer", "dead", "done"])
  func folderThatCannotBeWrittenStopsAllHandling(state: String) async throws {
    let names = try site.addEvents(3)
    try await giveToNobody()
    _ = try await command("chown", ["root", "\(site.path)/spool/acme/\(state)"])
    let result = try await runAsNobody(countingHandler)
    #expect(result.exitCode == 74, "\(result)")
    #expect(result.errorOutput.contains("acme/\(state)"), "\(result)")
    #expect(result.errorOutput.contains("give the spool to the user"), "\(result)")
    #expect(handled == 0 && site.events == names.map { "acme/new/\($0)" }.sorted())
  }

  @Test(.enabled(if: isRoot, "needs root, to give the spool to another user"))
  func whoFollowsWaitsForAFolderAndSaysSo() async throws {
    try site.addEvents(3)
    try await giveToNobody()
    _ = try await command("chown", ["root", "\(site.path)/spool/acme/dead"])
    let runner = try SpawnedProcess(
      "sh", ["-c", "cd \(site.path) && \(asNobody) run --follow -- sh -c '\(countingHandler)'"],
      log: "\(site.path)/runner.log")
    #expect(try await eventually { site.text("runner.log").contains("no event is handled") })
    #expect(handled == 0)
    _ = try await command("chown", ["nobody", "\(site.path)/spool/acme/dead"])
    #expect(try await eventually { site.files("spool/acme/done").count == 3 })
    #expect(
      try await eventually { site.text("runner.log").contains("events are handled again") })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  @Test func foldersOnTwoFileSystemsAreRefusedBeforeAnythingIsHandled() async throws {
    let names = try site.addEvents(2)
    let other = "/dev/shm/\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: other) }
    symlink(other, "\(site.path)/spool/acme/done")
    let result = try await site.run(countingHandler)
    #expect(result.exitCode == 74 && result.errorOutput.contains("one file system"), "\(result)")
    #expect(handled == 0 && site.files("spool/acme/new") == names)
  }

  /// A folder of the same file system that is mounted by itself is another one for rename(2).
  @Test(.enabled(if: canMount, "needs the right to mount"))
  func folderThatIsMountedByItselfIsRefused() async throws {
    let names = try site.addEvents(2)
    let done = try site.folder.makeFolder("spool/acme/done")
    let mounted = try await command("mount", ["--bind", done, done])
    #expect(mounted.exitCode == 0, "\(mounted)")
    defer { umount2(done, 2) }
    let result = try await site.run(countingHandler)
    #expect(result.exitCode == 74 && result.errorOutput.contains("one file system"), "\(result)")
    #expect(handled == 0 && site.files("spool/acme/new") == names)
  }

  /// A folder that takes additions only says that it may be written.
  @Test(.enabled("needs chattr", chattrIsAllowed), arguments: ["new", "cur", "defer"])
  func folderThatTakesAdditionsOnlyStopsAllHandling(state: String) async throws {
    let names = try site.addEvents(3)
    let folder = try site.folder.makeFolder("spool/acme/\(state)")
    _ = try await command("chattr", ["+a", folder])
    let result = try await site.run(countingHandler)
    _ = try await command("chattr", ["-a", folder])
    #expect(result.exitCode == 74 && result.errorOutput.contains(folder), "\(result)")
    #expect(handled == 0 && site.files("spool/acme/new") == names.sorted())
  }

  /// Without --follow, nobody waits for it to be mended.
  @Test func outcomeThatCannotBeRecordedEndsARunThatDoesNotFollow() async throws {
    let name = try site.addEvents(1)[0]
    let script = "\(countingHandler); cd \(site.path)/spool/acme; rm -r done; touch done"
    let result = try await site.run(script)
    #expect(result.exitCode == 74, "\(result)")
    #expect(result.errorOutput.contains("it stays in cur"), "\(result)")
    #expect(handled == 1 && site.events == ["acme/cur/\(name)"])
  }

  /// What lies in the place of a folder is waited for, as a folder that is missing is.
  @Test func loopInThePlaceOfAFolderIsWaitedFor() async throws {
    let folder = "\(site.path)/spool/acme/new"
    try site.folder.makeFolder("spool/acme/new")
    let runner = try site.start("run", "--follow", "--", "sh", "-c", countingHandler)
    try site.addEvents(1)
    #expect(try await eventually { handled == 1 })
    rename(folder, "\(site.path)/kept")
    symlink("new", folder)
    #expect(try await eventually { site.text("runner.log").contains("no event is handled") })
    unlink(folder)
    rename("\(site.path)/kept", folder)
    try site.addEvents(1, from: 1)
    #expect(try await eventually { handled == 2 })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  @Test func layoutThatChangesMeanwhileStopsAllHandling() async throws {
    try site.addEvents(1)
    let runner = try site.start("run", "--follow", "--", "sh", "-c", countingHandler)
    #expect(try await eventually { handled == 1 })
    try site.folder.write("2\n".utf8, to: "spool/acme/format")
    #expect(try await eventually { site.text("runner.log").contains("layout 2") })
    let draft = try site.folder.write("x".utf8, to: "draft")
    rename(draft, "\(site.path)/spool/acme/new/20260101T000000Z-a.json")
    try site.folder.write("1\n".utf8, to: "spool/acme/format")
    #expect(try await eventually { site.files("spool/acme/dead").count == 2 })
    #expect(handled == 1)
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  // MARK: Single files

  /// A record that cannot be read does not make its event due.
  @Test(.enabled(if: isRoot, "needs root, to give the spool to another user"))
  func eventWhoseRecordCannotBeReadIsLeftOut() async throws {
    let name = try site.addEvents(1)[0]
    _ = try await site.run("exit 1")
    try site.makeDue(name)
    try await giveToNobody()
    chmod("\(site.path)/spool/acme/defer/\(name).state", 0)
    let result = try await runAsNobody(countingHandler)
    #expect(result.exitCode == 1 && result.errorOutput.contains("\(name).state"), "\(result)")
    #expect(handled == 0)
  }

  /// A handler that writes its file anew leaves one there that nobody holds.
  @Test func handlerMayWriteItsFileAnew() async throws {
    try site.addEvents(1)
    let script = """
      \(countingHandler); cp $DELVE_EVENT_FILE \(site.path)/copy
      mv \(site.path)/copy $DELVE_EVENT_FILE; sleep 3
      """
    let result = try await site.run(script, ["--jobs", "2"])
    #expect(result.exitCode == 0 && handled == 1, "\(result)")
  }

  /// A pipe in the place of the draft is not waited for.
  @Test func pipeInThePlaceOfADraftHoldsUpNobody() async throws {
    let names = try site.addEvents(2, issuedApart: 60)
    try site.folder.makeFolder("spool/acme/defer")
    mkfifo("\(site.path)/spool/acme/defer/.\(names[0]).state", 0o600)
    let result = try await site.run("exit 1")
    #expect(result.exitCode == 1 && result.errorOutput.contains("left out"), "\(result)")
    #expect(site.events.contains("acme/defer/\(names[1])"))
  }

  /// 1: some were not handled.
  @Test func runThatASignalEndsWithEventsLeftIsNotComplete() async throws {
    try site.addEvents(3)
    let script = "\(countingHandler); until test -e \(site.path)/go; do sleep 0.05; done"
    let runner = try site.start("run", "--", "sh", "-c", script)
    #expect(try await eventually { handled == 1 })
    runner.send(signal: SIGTERM)
    #expect(try await eventually { site.text("runner.log").contains("stopping") })
    try site.folder.write([], to: "go")
    #expect(try await runner.exitCode() == 1)
    #expect(handled == 1)
  }

  @Test(.enabled(if: isRoot, "needs root, to give the spool to another user"))
  func fileThatMayNotBeReadIsLeftOutAlone() async throws {
    let names = try site.addEvents(5, issuedApart: 60)
    try await giveToNobody()
    let bad = "\(site.path)/spool/acme/new/\(names[0])"
    _ = try await site.shell("chown root \(bad) && chmod 600 \(bad)")
    for count in [4, 4] {
      let result = try await runAsNobody(countingHandler)
      #expect(result.exitCode == 1 && result.errorOutput.contains(names[0]), "\(result)")
      #expect(handled == count)
    }
    #expect(site.files("spool/acme/new") == [names[0]])
  }

  /// What is no plain file is said, once, and is not passed over in silence.
  @Test func whatIsNoPlainFileIsReported() async throws {
    try site.addEvents(2)
    let folder = "\(site.path)/spool/acme/new"
    symlink("/nonexistent", "\(folder)/20260101T000000Z-link.json")
    mkfifo("\(folder)/20260101T000000Z-pipe.json", 0o600)
    _ = try await site.shell("mkdir \(folder)/20260101T000000Z-folder.json")
    let result = try await site.run(countingHandler)
    #expect(result.exitCode == 1 && handled == 2, "\(result)")
    for name in ["link", "pipe", "folder"] {
      #expect(result.errorOutput.contains("\(name).json: not a plain file"), "\(result)")
    }
    #expect(result.errorOutput.split(separator: "\n").count { $0.contains("left out") } == 3)
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func fileThatCannotBeMovedIsLeftOutAlone() async throws {
    let names = try site.addEvents(3, issuedApart: 60)
    let place = "\(site.path)/spool/acme/new/\(names[0])"
    let mounted = try await command("mount", ["--bind", place, place])
    #expect(mounted.exitCode == 0, "\(mounted)")
    defer { umount2(place, 2) }
    let result = try await site.run(countingHandler)
    #expect(result.exitCode == 1 && result.errorOutput.contains(names[0]), "\(result)")
    #expect(handled == 2)
  }

  @Test func eventThatAChildOfItsHandlerKeepsIsReported() async throws {
    let name = try site.addEvents(1)[0]
    let script = "setsid -f sh -c \"echo \\$\\$ > \(site.path)/child; exec sleep 1000\"; exit 75"
    #expect(try await site.run(script).exitCode == 1)
    #expect(try await eventually { site.text("child") != "" })
    try site.makeDue(name)
    let result = try await site.run(countingHandler)
    #expect(result.exitCode == 1 && result.errorOutput.contains("another process holds it"))
    #expect(result.errorOutput.contains("fuser"), "\(result)")
    #expect(handled == 0)
    kill(try #require(Int32(site.text("child").dropLast())), SIGKILL)
    let isHandled = try await eventually { try await site.run(countingHandler).exitCode == 0 }
    #expect(isHandled && handled == 1)
  }

  // MARK: Outcomes that cannot be recorded

  @Test(
    .enabled(if: canMount, "needs the right to mount"), arguments: ["exit 1", "exit 65", "exit 75"])
  func fullDiskMakesOnlyTheOutcomeWait(end: String) async throws {
    let spool = "\(site.path)/spool"
    let mounted = try await command("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", spool])
    #expect(mounted.exitCode == 0, "\(mounted)")
    defer { umount2(spool, 2) }
    try site.addEvents(6, issuedApart: 60)
    _ = try await site.run("exit 0", ["--once"])
    _ = try await site.shell("dd if=/dev/zero of=\(spool)/filler bs=4k 2>/dev/null")
    // Two end together.
    let script = """
      \(countingHandler); until [ $(wc -l < \(site.path)/handled) -ge 2 ]; do sleep 0.05; done; \(end)
      """
    let runner = try site.start("run", "--follow", "--jobs", "2", "--", "sh", "-c", script)
    let isTriedAgain = try await eventually {
      site.text("runner.log").split(separator: "\n").count { $0.contains("pause=2s") } == 2
    }
    #expect(isTriedAgain, "\(site.text("runner.log"))")
    #expect(site.text("runner.log").contains("cannot be recorded"))
    // Neither these handlers nor any other have begun meanwhile.
    #expect(handled == 2 && site.files("spool/acme/cur").count == 2)
    unlink("\(spool)/filler")
    // Those that were put off may be due again by then, on a slow machine.
    #expect(
      try await eventually {
        Set(site.text("handled").split(separator: "\n")).count == 5
          && site.files("spool/acme/cur").isEmpty
      })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    #expect(site.text("runner.log").contains("is recorded"))
  }

  @Test(.enabled(if: isRoot, "needs root, to give the spool to another user"))
  func handlerIsNotStartedAgainIfDoneWasTakenAwayUnderIt() async throws {
    try site.addEvents(3, issuedApart: 60)
    try await giveToNobody()
    let script = "\(countingHandler); until test -e \(site.path)/go; do sleep 0.05; done"
    let runner = try SpawnedProcess(
      "sh", ["-c", "cd \(site.path) && \(asNobody) run --follow -- sh -c '\(script)'"],
      log: "\(site.path)/runner.log")
    #expect(try await eventually { handled == 1 })
    let done = "\(site.path)/spool/acme/done"
    _ = try await site.shell("chown -R root \(done)")
    try site.folder.write([], to: "go")
    #expect(try await eventually { site.text("runner.log").contains("cannot be recorded") })
    #expect(handled == 1 && site.files("spool/acme/cur").count == 1)
    _ = try await site.shell("chown -R nobody \(done)")
    #expect(try await eventually { site.files("spool/acme/done").count == 3 })
    #expect(handled == 3)
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  /// One that kills its runner is put off, does not hold up the rest, and is given up in the end.
  @Test func eventThatKillsItsRunnerEndsInDead() async throws {
    let names = try site.addEvents(4, issuedApart: 60)
    let script = "\(countingHandler); [ $DELVE_SUBJECT != export/0 ] || kill -9 $PPID"
    #expect(try await site.run(script, ["--max-attempts", "2"]).exitCode == -SIGKILL)
    // By itself: on a slow machine, the event is due again before others are handled.
    let second = try await site.run(script, ["--max-attempts", "2", "--once"])
    #expect(second.exitCode == 1 && second.errorOutput.contains("result=put-off"), "\(second)")
    try site.makeDue(names[0], isNow: false)
    #expect(try await site.run(script, ["--max-attempts", "2"]).exitCode == 0)
    #expect(site.files("spool/acme/done").count == 3)
    #expect(site.text("spool/acme/defer/\(names[0]).state").contains(#""lost":true"#))
    try site.makeDue(names[0])
    #expect(try await site.run(script, ["--max-attempts", "2"]).exitCode == -SIGKILL)
    let last = try await site.run(script, ["--max-attempts", "2"])
    #expect(last.exitCode == 1 && last.errorOutput.contains("result=dead"), "\(last)")
    #expect(site.events.contains("acme/dead/\(names[0])") && handled == 5)
    let shown = try await site.delveWebhook("spool", "show", names[0])
    #expect(shown.output.contains("ended"), "\(shown)")
  }

  // MARK: Clocks

  /// A clock that was ahead does not put events off for as long as it was.
  @Test(arguments: ["+1y", "+90000s", "-1y"])
  func clockThatWasWrongStrandsNoEvent(offset: String) async throws {
    try site.addEvents(2)
    let wrong = try await site.shell("\(site.program) spool run -- false", clock: offset)
    #expect(wrong.exitCode == 1 && site.files("spool/acme/defer").count == 4, "\(wrong)")
    #expect(try await site.run(countingHandler).exitCode == 0)
    #expect(handled == 2)
  }

  @Test func recordIsBelievedAsFarAsTheLongestDelay() async throws {
    let names = try site.addEvents(3, issuedApart: 60)
    #expect(try await site.run("exit 1").exitCode == 1)
    func time(_ seconds: Double) -> String {
      Date.now.addingTimeInterval(seconds).formatted(.iso8601)
    }
    // The longest delay of `spool run` is 75 minutes, that of a target a day.
    let records = [
      #"{"attempts":1,"deferrals":0,"lastattempt":"\#(time(0))","nextattempt":"\#(time(4_000))"}"#,
      #"{"attempts":1,"deferrals":0,"lastattempt":"\#(time(0))","nextattempt":"\#(time(9_000))"}"#,
      #"{"attempts":0,"deferrals":1,"lastattempt":"\#(time(0))","nextattempt":"\#(time(80_000))","answer":"503"}"#,
    ]
    for (name, record) in zip(names, records) {
      try site.folder.write(record.utf8, to: "spool/acme/defer/\(name).state")
    }
    #expect(try await site.run(countingHandler).exitCode == 0)
    #expect(site.text("handled") == "export/1\n")
  }

  @Test func clockThatIsAheadPrunesNothingYoung() async throws {
    let now = Int(Date.now.timeIntervalSince1970)
    let young = try site.addEvents(3, issuedFrom: now - 600)
    _ = try await site.run("[ $DELVE_SUBJECT = export/0 ] && exit 65; exit 0")
    #expect(site.events.count == 3 && site.files("spool/acme/done").count == 2)
    let ahead = try await site.shell(
      "\(site.program) spool prune --older-than 30d --dead", clock: "+1y")
    #expect(
      ahead.exitCode == 0 && ahead.output.contains("0 of done, 0 of dead removed"), "\(ahead)")
    #expect(site.events.count == 3)
    // By a newer event's own time, they are old.
    try site.addEvents(1, from: 3, issuedFrom: now + 40 * 86_400)
    let later = try await site.shell(
      "\(site.program) spool prune --older-than 30d --dead", clock: "+1y")
    #expect(later.output.contains("2 of done, 1 of dead removed"), "\(later)")
    #expect(!site.events.contains { $0.hasSuffix(young[0]) })
  }

  // MARK: What is replaced, and what comes later

  @Test(arguments: ["spool", "spool/acme", "spool/acme/done"])
  func folderThatIsReplacedIsNoticed(folder: String) async throws {
    try site.addEvents(1)
    let runner = try site.start("run", "--follow", "--", "sh", "-c", countingHandler)
    #expect(try await eventually { handled == 1 })
    rename("\(site.path)/\(folder)", "\(site.path)/\(folder.replacing("/", with: "-")).old")
    try site.folder.makeFolder(folder)
    var count = 1
    // Those that come in the first seconds may still go by the old folders.
    let isNoticed = try await eventually {
      try site.addEvents(1, from: count)
      count += 1
      return !site.files("spool/acme/done").isEmpty
    }
    #expect(isNoticed, "\(site.text("runner.log"))")
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  @Test func arrivalsInAReplacedFolderAreHandled() async throws {
    try site.addEvents(1)
    let runner = try site.start("run", "--follow", "--", "sh", "-c", countingHandler)
    #expect(try await eventually { handled == 1 })
    rename("\(site.path)/spool/acme/new", "\(site.path)/new.old")
    try site.addEvents(2, from: 1)
    #expect(try await eventually { handled == 3 }, "\(site.text("runner.log"))")
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
  }

  @Test func instanceThatComesLaterHasItsURL() async throws {
    let script = "echo $DELVE_INSTANCE ${DELVE_URL:-none} >> \(site.path)/handled"
    let runner = try site.start("run", "--follow", "--", "sh", "-c", script)
    try site.addEvents(1)
    #expect(try await eventually { handled == 1 })
    // Half of a configuration holds nobody up.
    let configuration = site.text("config.yaml")
    try site.folder.write("instances: [".utf8, to: "config.yaml")
    try site.addEvents(1, from: 1)
    #expect(try await eventually { handled == 2 })
    let beta = try #require(configuration.firstMatch(of: /(?s) *acme:.*/)).0
      .replacing("acme", with: "beta")
    try site.folder.write("\(configuration)\n\(beta)\n".utf8, to: "config.yaml")
    try site.addEvents(1, from: 2, instance: "beta")
    #expect(try await eventually { handled == 3 })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    #expect(
      site.text("handled") == """
        acme https://acme.delvesecurity.app
        acme https://acme.delvesecurity.app
        beta https://beta.delvesecurity.app

        """)
  }

  // MARK: A layout of another version

  @Test func otherLayoutIsSaidThoughNoEventIsFound() async throws {
    try site.folder.write("2\n".utf8, to: "spool/acme/format")
    let result = try await site.delveWebhook("spool", "retry", "abcdef")
    #expect(result.exitCode == 74 && result.errorOutput.contains("layout 2"), "\(result)")
  }

  @Test func layoutOfAnotherVersionIsNotTouched() async throws {
    let dead = try site.addEvents(1)[0]
    _ = try await site.run("exit 65")
    try site.addEvents(1, from: 1)
    let before = site.files("spool")
    try site.folder.write("2\n".utf8, to: "spool/acme/format")
    for arguments in [
      ["run", "--", "true"], ["run", "--follow", "--", "true"], ["retry", dead], ["finish", dead],
      ["retry", "--all"], ["remove", "--all", "--yes"], ["prune", "--older-than", "0s", "--dead"],
    ] {
      let result = try await site.delveWebhook(["spool"] + arguments)
      #expect(result.exitCode != 0, "\(arguments)")
      #expect(result.errorOutput.contains("layout 2"), "\(arguments): \(result)")
      #expect(result.errorOutput.contains("layout 1"), "\(arguments): \(result)")
      #expect(site.files("spool") == before, "\(arguments)")
    }
    for arguments in [["list"], ["show", dead], ["stats"], ["verify"]] {
      let result = try await site.delveWebhook(["spool"] + arguments)
      #expect(result.errorOutput.contains("warning"), "\(arguments): \(result)")
      #expect(result.errorOutput.contains("layout 2"), "\(arguments): \(result)")
      #expect(!result.output.isEmpty, "\(arguments): \(result)")
    }
  }

  // MARK: Commands that go on

  @Test(.enabled(if: isRoot, "needs root, to give the spool to another user"))
  func commandsGoOnBehindWhatTheyCannotMove() async throws {
    let names = try site.addEvents(5, issuedApart: 60)
    _ = try await site.run("exit 65")
    try await giveToNobody()
    let bad = "\(site.path)/spool/acme/dead/\(names[1])"
    _ = try await site.shell("chown root \(bad) && chmod 600 \(bad)")
    let result = try await site.shell(
      "cd \(site.path) && ls spool/acme/dead | grep 'json$' | (\(asNobody) retry -)")
    #expect(result.exitCode == 1 && result.errorOutput.contains(names[1]), "\(result)")
    #expect(result.errorOutput.hasSuffix("4 events retried, 1 not\n"), "\(result)")
    #expect(site.files("spool/acme/new").count == 4)
  }

  @Test(.enabled("needs chattr, to make a file immutable", chattrIsAllowed))
  func pruneGoesOnBehindWhatItCannotRemove() async throws {
    let names = try site.addEvents(4, issuedApart: 60)
    for (name, day) in zip(names, ["2020-01-01", "2020-01-01", "2020-01-02", "2020-01-03"]) {
      try site.folder.makeFolder("spool/acme/done/\(day)")
      rename("\(site.path)/spool/acme/new/\(name)", "\(site.path)/spool/acme/done/\(day)/\(name)")
    }
    let bad = "\(site.path)/spool/acme/done/2020-01-01/\(names[0])"
    _ = try await command("chattr", ["+i", bad])
    let result = try await site.delveWebhook("spool", "prune", "--older-than", "30d")
    _ = try await command("chattr", ["-i", bad])
    #expect(result.exitCode == 1 && result.errorOutput.contains(names[0]), "\(result)")
    #expect(result.output.contains("3 of done"), "\(result)")
    #expect(site.events == ["acme/done/2020-01-01/\(names[0])"])
  }

  /// What was moved is said as far as it can be, and the rest is moved.
  @Test(arguments: ["finish", "retry", "remove --yes"])
  func commandsGoOnBehindAnOutputThatIsFull(verb: String) async throws {
    let names = try site.addEvents(3, issuedApart: 60)
    _ = try await site.run("exit 65")
    let result = try await site.shell(
      "\(site.program) spool \(verb) \(names.joined(separator: " ")) > /dev/full")
    #expect(result.exitCode == 74 && result.errorOutput.contains("3 events"), "\(result)")
    #expect(site.files("spool/acme/dead") == [])
  }

  @Test func commandsGoOnBehindAnInstanceThatCannotBeUsed() async throws {
    let names = try site.addEvents(1) + site.addEvents(1, from: 1, instance: "beta")
    _ = try await site.run("exit 65")
    try site.folder.write("2\n".utf8, to: "spool/beta/format")
    let result = try await site.delveWebhook(["spool", "retry"] + names)
    #expect(
      result.exitCode == 1 && result.errorOutput.contains("1 event retried, 1 not"), "\(result)")
    #expect(site.files("spool/acme/new").count == 1)
  }

  @Test(.enabled(if: isRoot, "needs root, to give the spool to another user"))
  func pruneGoesOnBehindAnInstanceOfAnotherUser() async throws {
    for instance in ["acme", "beta"] {
      let name = try site.addEvents(1, instance: instance)[0]
      try site.folder.makeFolder("spool/\(instance)/done/2020-01-01")
      rename(
        "\(site.path)/spool/\(instance)/new/\(name)",
        "\(site.path)/spool/\(instance)/done/2020-01-01/\(name)")
    }
    try await giveToNobody()
    _ = try await site.shell("cd \(site.path)/spool && chown root acme && chmod 700 acme")
    let result = try await site.shell("cd \(site.path) && \(asNobody) prune --older-than 30d")
    #expect(result.exitCode != 0 && result.errorOutput.contains("spool/acme"), "\(result)")
    #expect(result.output.contains("beta: 1 of done"), "\(result)")
  }

  /// It is said that its events are not handled.
  @Test(
    .enabled(if: isRoot, "needs root, to give the spool to another user"), arguments: [false, true])
  func instanceOfAnotherUserIsNamed(isFollowing: Bool) async throws {
    try site.addEvents(1)
    try site.addEvents(1, from: 1, instance: "beta")
    try await giveToNobody()
    _ = try await command("chown", ["-R", "root", "\(site.path)/spool/acme"])
    let text = "acme belongs to another user"
    guard isFollowing else {
      let result = try await runAsNobody(countingHandler)
      #expect(result.exitCode == 1 && result.errorOutput.contains(text), "\(result)")
      #expect(site.text("handled") == "export/1\n")
      return
    }
    let runner = try SpawnedProcess(
      "sh", ["-c", "cd \(site.path) && \(asNobody) run --follow -- sh -c '\(countingHandler)'"],
      log: "\(site.path)/runner.log")
    #expect(try await eventually { handled == 1 })
    #expect(try await eventually { site.text("runner.log").contains(text) })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    #expect(site.text("runner.log").matches(of: /belongs to another user/).count == 1)
  }

  /// One character may have any number of bytes.
  @Test func eventWithLongAttributesEndsNoRunner() async throws {
    let names = try site.addEvents(2, issuedApart: 60)
    let line = site.text("spool/acme/new/\(names[0])")
    let long = "e" + String(repeating: "\u{301}", count: 100_000)
    try site.folder.write(
      line.replacing("\"subject\":\"export/0\"", with: "\"subject\":\"\(long)\"").utf8,
      to: "spool/acme/new/\(names[0])")
    let result = try await site.run("printf %s \"$DELVE_SUBJECT\" | wc -c >> \(site.path)/handled")
    #expect(result.exitCode == 0, "\(result)")
    #expect(site.text("handled") == "8191\n8\n")
  }

  @Test func recordsWithoutAnEventAreRemoved() async throws {
    let names = try site.addEvents(2, issuedApart: 60)
    _ = try await site.run("exit 1")
    unlink("\(site.path)/spool/acme/defer/\(names[0])")
    try site.folder.write("{}".utf8, to: "spool/acme/dead/.\(names[0]).state")
    let result = try await site.delveWebhook("spool", "prune", "--older-than", "1d")
    #expect(result.exitCode == 0 && result.output.contains("2 records"), "\(result)")
    #expect(site.files("spool/acme/dead") == [])
    #expect(site.files("spool/acme/defer") == [names[1], "\(names[1]).state"])
  }
}
