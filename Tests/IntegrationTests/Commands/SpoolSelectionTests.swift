internal import Glibc
internal import TestSupport
internal import Testing

/// The built `spool retry`, `finish` and `remove` with `--all`, and what `remove` asks.
@Suite(.noHang)
struct SpoolSelectionTests {
  private let site: SpoolSite
  /// Two were given up, one was put off, and one has come since.
  private let dead: [String], deferred: String, new: String

  init() async throws {
    site = try SpoolSite()
    dead = try site.addEvents(2, issuedApart: 60)
    _ = try await site.run("echo no such table >&2; exit 65")
    deferred = try site.addEvents(1, from: 2, issuedApart: 60)[0]
    _ = try await site.run("echo refused >&2; exit 1")
    try site.makeDue(deferred, isNow: false)
    new = try site.addEvents(1, from: 3, issuedApart: 60)[0]
    #expect(
      site.events
        == (dead.map { "acme/dead/\($0)" } + ["acme/defer/\(deferred)", "acme/new/\(new)"]))
  }

  private func spool(_ arguments: String...) async throws -> CommandResult {
    try await site.delveWebhook(["spool"] + arguments)
  }

  private var records: [String] { site.files("spool/acme").filter { $0.hasSuffix(".state") } }

  // MARK: Which

  @Test func allThatWereGivenUpOrPutOffAreRetried() async throws {
    let result = try await spool("retry", "--all")
    #expect(result.exitCode == 0)
    #expect(
      result.output
        == (dead.map { "acme/dead/\($0)\n" } + ["acme/defer/\(deferred)\n"]).joined())
    #expect(result.errorOutput == "3 events retried\n")
    #expect(site.events == (dead + [deferred, new]).map { "acme/new/\($0)" })
    #expect(records == [])
    let again = try await spool("retry", "--all")
    #expect(again.exitCode == 0 && again.errorOutput == "0 events retried\n", "\(again)")
  }

  /// Whenever a signal comes, the command says what it has done.
  @Test(arguments: [0, 1, 40])
  func commandThatASignalEndsSaysHowManyAreLeft(afterLines: Int) async throws {
    let count = 2_000
    try site.addEvents(count, from: 10)
    _ = try await site.shell("mv '\(site.path)'/spool/acme/new/* '\(site.path)/spool/acme/dead/'")
    let retry = try SpawnedProcess(
      "sh",
      [
        "-c",
        "exec '\(site.program)' spool retry --all --spool '\(site.path)/spool' 2>&1 "
          + ">'\(site.path)/moved'",
      ], log: "\(site.path)/retry.log")
    #expect(
      try await eventually {
        site.text("moved").split(separator: "\n").count >= afterLines
      })
    retry.send(signal: SIGTERM)
    let exitCode = try await retry.exitCode()
    let moved = site.text("moved").split(separator: "\n").count
    // It had not come so far that it could be told, it was in the middle, or it was quicker.
    if exitCode == -SIGTERM { return #expect(moved == 0) }
    let left = count + 4 - moved
    #expect(exitCode == (left == 0 ? 0 : 1))
    #expect(
      site.text("retry.log")
        == "\(moved) events retried"
        + (left == 0 ? "" : ", \(left) left because of a signal") + "\n")
  }

  /// What is wrong with all of them is said once.
  @Test(.enabled(if: getuid() == 0, "needs root, to give the spool to another user"))
  func spoolOfAnotherUserIsNamedOnceWithItsOwner() async throws {
    let given = try await site.shell("chown -R nobody '\(site.path)/spool'")
    #expect(given.exitCode == 0, "\(given)")
    let reason =
      "delve-webhook: \(site.path)/spool/acme belongs to another user, nobody; run this as its "
      + "owner: runuser -u nobody -- COMMAND\n"
    for (arguments, result) in [
      (["retry", "--all"], "0 events retried, 3 not\n"),
      (["finish", "--all"], "0 events finished, 4 not\n"),
      // Without a question.
      (["remove", "--all"], "0 events removed, 4 not\n"),
      (["prune", "--older-than", "1d"], "delve-webhook: 1 thing could not be removed\n"),
    ] {
      let done = try await site.delveWebhook(["spool"] + arguments)
      #expect(done.exitCode == 77, "\(done)")
      #expect(done.errorOutput == reason + result, "\(done)")
    }
  }

  /// Another program has put it there: it is named, and every program reads the listing.
  @Test func eventWithAForeignNameIsNamedAndLeft() async throws {
    let foreign = #"acme/dead/20261127T070000Z-export-done-$(printf '\377')1-"#
    let file = "'\(site.path)'/spool/\(foreign)\(String(repeating: "0", count: 32)).json"
    let made = try await site.shell("cp '\(site.path)/spool/acme/dead/\(dead[0])' \(file)")
    #expect(made.exitCode == 0, "\(made)")
    let result = try await spool("remove", "--all", "--state", "dead", "--yes")
    #expect(result.exitCode == 1)
    #expect(result.errorOutput.contains("not a name that a responder gives"), "\(result)")
    #expect(result.errorOutput.hasSuffix("2 events removed, 1 not\n"), "\(result)")
    let listing = try await site.shell("'\(site.program)' spool list --json | jq -r .claimid")
    #expect(listing.exitCode == 0 && listing.output.contains("\u{FFFD}1"), "\(listing)")
  }

  /// No range is meant by two dots, and none is taken.
  @Test func idsWithTwoDotsMeanNothingElse() async throws {
    let result = try await spool("retry", "--all", "--id", "0..3", "--dry-run")
    #expect(result.errorOutput == "0 events would be retried\n", "\(result)")
  }

  @Test func filtersChooseWhatIsRetried() async throws {
    func chosen(_ options: String...) async throws -> [String] {
      let result = try await site.delveWebhook(["spool", "retry", "--all", "--dry-run"] + options)
      #expect(result.exitCode == 0, "\(result)")
      let paths = result.output.split(separator: "\n").map(String.init)
      #expect(result.errorOutput.hasPrefix("\(paths.count) event"), "\(result)")
      #expect(result.errorOutput.hasSuffix(" would be retried\n"), "\(result)")
      return paths.map { String($0.split(separator: "/").last ?? "") }
    }
    #expect(try await chosen("--state", "dead") == dead)
    #expect(try await chosen("--state", "defer") == [deferred])
    #expect(try await chosen("--match", "no such table") == dead)
    #expect(try await chosen("--match", "refused") == [deferred])
    #expect(try await chosen("--hook", "export-complete") == dead + [deferred])
    #expect(try await chosen("--hook", "scan-success") == [])
    #expect(try await chosen("--id", "1") == [dead[1]])
    #expect(try await chosen("--since", "2026-09-21T14:14:20Z") == [dead[1], deferred])
    #expect(try await chosen("--since", "2026-09-21T14:14:20Z", "--match", "table") == [dead[1]])
    #expect(site.events.count == 4 && records.count == 3)
  }

  @Test func allThatAreNotFinishedAreFinished() async throws {
    let result = try await spool("finish", "--all", "--match=-done-")
    #expect(result.exitCode == 0 && result.errorOutput == "4 events finished\n", "\(result)")
    #expect(site.events == (dead + [deferred, new]).map { "acme/done/\(site.today)/\($0)" })
    #expect(records == [])
  }

  @Test(
    arguments: [
      "retry", "retry --all NAME", "retry --match x NAME", "retry --state dead NAME",
      "retry --all --state new", "finish --all --state done", "remove --yes --all --state done",
      "remove --all", "remove NAME", "remove -",
    ])
  func otherwiseNothingIsTouched(arguments: String) async throws {
    let before = site.files("spool")
    let words = arguments.replacing("NAME", with: dead[0]).split(separator: " ").map(String.init)
    let result = try await site.delveWebhook(["spool"] + words, input: "\(dead[0])\n")
    #expect(result.exitCode == 64, "\(result)")
    #expect(result.output == "")
    #expect(site.files("spool") == before)
  }

  @Test func eventInHandIsNotTouched() async throws {
    let runner = try site.start("run", "--", "sleep", "1000")
    #expect(try await eventually { site.events.contains("acme/cur/\(new)") })
    let result = try await spool("finish", "--all")
    #expect(result.exitCode == 1)
    #expect(result.errorOutput.contains("acme/cur/\(new): a running command holds it"))
    #expect(result.errorOutput.hasSuffix("3 events finished, 1 not\n"), "\(result)")
    #expect(site.events.contains("acme/cur/\(new)"))
    runner.send(signal: SIGTERM)
    runner.send(signal: SIGINT)
    _ = try await runner.exitCode()
  }

  // MARK: remove

  @Test func removedEventsAndTheirRecordsAreGone() async throws {
    let dry = try await spool("remove", "--all", "--dry-run")
    #expect(dry.exitCode == 0 && dry.errorOutput == "4 events would be removed\n", "\(dry)")
    #expect(site.events.count == 4)
    let one = try await spool("remove", "--yes", deferred)
    #expect(one.exitCode == 0 && one.output == "acme/defer/\(deferred)\n", "\(one)")
    #expect(one.errorOutput == "1 event removed\n")
    let all = try await spool("remove", "--all", "--state", "dead", "--yes")
    #expect(all.exitCode == 0 && all.errorOutput == "2 events removed\n", "\(all)")
    #expect(site.events == ["acme/new/\(new)"])
    #expect(records == [])
  }

  /// A consumer died with it; its record is still in `defer`.
  @Test func recordOfWhatIsRemovedFromCurIsGone() async throws {
    try site.folder.makeFolder("spool/acme/cur")
    let spool = "\(site.path)/spool/acme"
    rename("\(spool)/defer/\(deferred)", "\(spool)/cur/\(deferred)")
    let result = try await self.spool("remove", "--yes", deferred)
    #expect(result.exitCode == 0, "\(result)")
    #expect(!records.contains { $0.contains(deferred) })
  }

  @Test(arguments: [("n", false), ("", false), ("Y", true), ("yes", true)])
  func removeAsksAtATerminal(answer: String, isRemoved: Bool) async throws {
    let result = try await site.shell(
      "echo '\(answer)' | script -qec '\(site.program) spool remove --all --state dead' /dev/null")
    #expect(
      result.output.contains("Remove 2 events for good (2 of acme/dead)? [y/N]"), "\(result)")
    #expect(result.output.contains(isRemoved ? "2 events removed" : "no event was removed"))
    #expect(result.exitCode == (isRemoved ? 0 : 1), "\(result)")
    #expect(site.events.count == (isRemoved ? 2 : 4))
  }

  @Test func withoutATerminalRemoveNamesTheOptionThatAnswers() async throws {
    let result = try await spool("remove", dead[0])
    #expect(result.exitCode == 64 && result.errorOutput.contains("pass --yes"), "\(result)")
    #expect(result.errorOutput.contains("1 event for good (1 of acme/dead)"), "\(result)")
    // What is not there needs no answer.
    let none = try await spool("remove", "nothing.json")
    #expect(none.exitCode == 1 && none.errorOutput.contains("no event called"), "\(none)")
  }

  /// A bar, and the paths above it, each on a line of its own.
  @Test func pathsStandAboveTheBarAtATerminal() async throws {
    let result = try await site.shell(
      "script -qec '\(site.program) spool retry --all' /dev/null </dev/null")
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("3/3"))
    for name in dead { #expect(result.output.contains("acme/dead/\(name)\r\n")) }
    #expect(result.output.hasSuffix("3 events retried\r\n"), "\(result)")
    // A bar is overwritten with blanks: also a dumb terminal knows those.
    #expect(!result.output.contains("\u{1B}"), "\(result)")
  }
}
