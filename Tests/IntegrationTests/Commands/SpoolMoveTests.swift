internal import Foundation
internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// The built `spool retry` and `finish` of named events, `prune` and `tail`.
@Suite(.noHang)
struct SpoolMoveTests {
  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  /// Makes an event that was given up, with its record.
  private func deadEvent(_ number: Int = 0) async throws -> String {
    let name = try site.addEvents(1, from: number)[0]
    let result = try await site.run("echo why >&2; exit 65")
    #expect(result.exitCode == 1)
    return name
  }

  // MARK: retry and finish

  @Test func retriedEventIsAsGoodAsNew() async throws {
    let name = try await deadEvent()
    let result = try await site.delveWebhook("spool", "retry", name)
    #expect(result.exitCode == 0)
    #expect(result.output == "acme/dead/\(name)\n")
    #expect(result.errorOutput == "1 event retried\n")
    #expect(site.files("spool/acme/dead") == [])
    #expect(site.events == ["acme/new/\(name)"])
  }

  @Test func namesComeFromStandardInputInEveryForm() async throws {
    let names = [try await deadEvent(0), try await deadEvent(300), try await deadEvent(70_000)]
    let input = "\(names[0])\nacme/dead/\(names[1])\n\n\(site.id(70_000))\n"
    let result = try await site.delveWebhook(["spool", "finish", "-"], input: input)
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.errorOutput == "3 events finished\n")
    #expect(site.events == names.map { "acme/done/\(site.today)/\($0)" }.sorted())
    #expect(site.files("spool/acme/dead") == [])
  }

  @Test func dryRunMovesNothing() async throws {
    let name = try await deadEvent()
    let result = try await site.delveWebhook("spool", "retry", "--dry-run", name)
    #expect(result.output == "acme/dead/\(name)\n")
    #expect(result.errorOutput == "1 event would be retried\n")
    #expect(site.events == ["acme/dead/\(name)"])
  }

  @Test func whatIsNotThereOrHeldIsSaidAndTheRestIsMoved() async throws {
    let dead = try await deadEvent()
    let held = try site.addEvents(1, from: 1)[0]
    let runner = try site.start("run", "--", "sleep", "1000")
    #expect(try await eventually { site.events.contains("acme/cur/\(held)") })
    let result = try await site.delveWebhook(
      ["spool", "finish", "-"], input: "nothing.json\n\(held)\n\(dead)\n")
    #expect(result.exitCode == 1)
    #expect(result.errorOutput.contains("no event called nothing.json"))
    #expect(result.errorOutput.contains("acme/cur/\(held): a running command holds it"))
    #expect(result.errorOutput.hasSuffix("1 event finished, 2 not\n"))
    #expect(site.events.contains("acme/cur/\(held)"))
    runner.send(signal: SIGTERM)
    runner.send(signal: SIGINT)
    _ = try await runner.exitCode()
  }

  // MARK: prune

  @Test func finishedDaysThatAreOldAreRemovedAndTodayIsNot() async throws {
    let names = try site.addEvents(3)
    for (name, day) in zip(names, ["2020-01-01", "2026-11-20", site.today]) {
      try site.folder.makeFolder("spool/acme/done/\(day)")
      rename(
        "\(site.path)/spool/acme/new/\(name)", "\(site.path)/spool/acme/done/\(day)/\(name)")
    }
    try site.folder.write([], to: "spool/acme/ids/20200101T00/old")
    try site.folder.write([], to: "spool/acme/ids/20261124T00/young")
    let dry = try await site.delveWebhook("spool", "prune", "--older-than", "300d", "--dry-run")
    #expect(dry.output == "acme: 1 of done would be removed\n")
    #expect(site.events.count == 3)
    let result = try await site.delveWebhook("spool", "prune", "--older-than", "300d")
    #expect(result.output == "acme: 1 of done removed\n")
    #expect(result.exitCode == 0)
    #expect(!FileManager.default.fileExists(atPath: "\(site.path)/spool/acme/done/2020-01-01"))
    #expect(site.files("spool/acme/ids") == ["20261124T00/young"])
    let all = try await site.delveWebhook("spool", "prune", "--older-than", "0s")
    #expect(all.exitCode == 0)
    #expect(site.events == ["acme/done/\(site.today)/\(names[2])"])
  }

  @Test func deadEventsArePrunedOnlyWhenAskedFor() async throws {
    let name = try await deadEvent()
    _ = try await site.delveWebhook("spool", "prune", "--older-than", "0s")
    #expect(site.events == ["acme/dead/\(name)"])
    let young = try await site.delveWebhook("spool", "prune", "--older-than", "1h", "--dead")
    #expect(young.output == "acme: 0 of done, 0 of dead removed\n")
    let result = try await site.delveWebhook("spool", "prune", "--older-than", "0s", "--dead")
    #expect(result.output == "acme: 0 of done, 1 of dead removed\n")
    #expect(site.files("spool/acme/dead") == [])
  }

  @Test func pruningPassesOverWhatIsNotAsItMadeIt() async throws {
    _ = try await site.shell(
      """
      cd \(site.path)/spool/acme; mkdir -p dead done outside; ln -s ../outside done/2020-01-02
      : > outside/kept.json; : > done/2020-01-01
      : > "$(printf 'dead/\\377.json')"; : > "$(printf 'dead/\\377\\377.json')"
      """)
    let result = try await site.shell(
      "timeout 600 \(site.program) spool prune --older-than 0s --dead")
    #expect(result.exitCode == 0, "\(result)")
    #expect(site.files("spool/acme/outside") == ["kept.json"])
  }

  @Test(arguments: ["", "7", "d", "-1d", "1y", "99999999999999999999d", "+1d"])
  func malformedAgeIsAUsageError(age: String) async throws {
    let result = try await site.delveWebhook("spool", "prune", "--older-than=\(age)")
    #expect(result.exitCode == 64)
  }

  // MARK: tail

  @Test func arrivalsAreShownAlsoOfInstancesAndSpoolsThatComeLater() async throws {
    let tail = try site.start("tail", "--json")
    var number = 0
    for instance in ["acme", "later", "replaced"] {
      if instance == "replaced" {
        rename("\(site.path)/spool", "\(site.path)/spool.old")
        try site.folder.makeFolder("spool")
      }
      let isShown = try await eventually {
        number += 1
        try site.addEvents(1, from: number, instance: instance)
        return site.text("runner.log").contains("\"path\":\"\(instance)/new/")
      }
      #expect(isShown, "\(instance)")
    }
    tail.send(signal: SIGTERM)
    #expect(try await tail.exitCode() == -SIGTERM)
    // `spool tail` ends when its reader ends.
    let gone = try await site.shell(
      "timeout 600 \(site.program) spool tail | true; echo ended")
    #expect(gone.output == "ended\n")
  }

  /// A copy that holds only what was handled is no reason to show nothing of others.
  @Test func instanceWithoutANewFolderHidesNoOther() async throws {
    try site.folder.makeFolder("spool/acme-old/done")
    try site.folder.write("1\n".utf8, to: "spool/acme-old/format")
    let tail = try site.start("tail")
    var number = 0
    let isShown = try await eventually {
      number += 1
      try site.addEvents(1, from: number, instance: "beta")
      return site.text("runner.log").contains("beta")
    }
    #expect(isShown, "\(site.text("runner.log"))")
    tail.send(signal: SIGTERM)
    #expect(try await tail.exitCode() == -SIGTERM)
  }

  @Test(.enabled(if: getuid() == 0, "needs root, to give a folder to another user"))
  func instanceThatCannotBeLookedAtIsNamedOnce() async throws {
    try site.addEvents(1)
    try site.addEvents(1, from: 1, instance: "beta")
    _ = try await site.shell("chmod 755 \(site.path) && chmod 700 \(site.path)/spool/acme/new")
    let tail = try SpawnedProcess(
      "setpriv",
      ["--reuid=65534", "--regid=65534", "--clear-groups", site.program, "spool", "tail"]
        + ["--spool", "\(site.path)/spool"], log: "\(site.path)/runner.log")
    var number = 1
    let isShown = try await eventually {
      number += 1
      try site.addEvents(1, from: number, instance: "beta")
      return site.text("runner.log").contains("beta  new")
        || site.text("runner.log").contains("export/\(number - 1)")
    }
    #expect(isShown, "\(site.text("runner.log"))")
    tail.send(signal: SIGTERM)
    _ = try await tail.exitCode()
    #expect(site.text("runner.log").matches(of: /not shown: .*acme\/new/).count == 1)
  }

  // MARK: show and stats

  @Test func showSaysHowTheHandlingFailed() async throws {
    let name = try await deadEvent()
    let json = try await site.delveWebhook("spool", "show", name, "--json")
    let object = try #require(try JSONValue(parsing: Array(json.output.utf8)).object)
    #expect(object["state"] == .string("dead"))
    #expect(object["handling"]?.object?["stderr"] == .string("why\n"))
    #expect(object["event"]?.object?["subject"] == .string("export/0"))
    let text = try await site.delveWebhook("spool", "show", name)
    #expect(text.output.contains("its end: exit=65"))
    #expect(text.output.contains(" ago)"))
  }

  @Test func statsExitAsMonitorsWantIt() async throws {
    #expect(try await site.delveWebhook("spool", "stats", "--warn-age", "0s").exitCode == 0)
    let name = try site.addEvents(1)[0]
    let ok = try await site.delveWebhook(
      "spool", "stats", "--warn-age", "3000d", "--critical-age", "9000d")
    #expect(ok.exitCode == 0)
    let warning = try await site.delveWebhook(
      "spool", "stats", "--warn-age", "1d", "--critical-age", "9000d")
    #expect(warning.exitCode == 1)
    #expect(warning.errorOutput.hasPrefix("warning: acme/new has 1 event, and the oldest "))
    let critical = try await site.delveWebhook(
      "spool", "stats", "--warn-age", "1d", "--critical-age", "1d", "--json")
    #expect(critical.exitCode == 2)
    #expect(critical.output.contains("\"arrivalsoflasthour\":{\"acme\":0}"))
    // A name without a time does not hide other names.
    try site.folder.write([], to: "spool/acme/new/1.json")
    #expect(try await site.delveWebhook("spool", "stats", "--critical-age", "1d").exitCode == 2)
    // A handled event does not wait any more.
    _ = try await site.delveWebhook("spool", "finish", name, "1.json")
    #expect(try await site.delveWebhook("spool", "stats", "--warn-age", "0s").exitCode == 0)
  }

  @Test func pruneRemovesOldRefusedRequestsOfAllInstancesUnlessOneIsNamed() async throws {
    let old = ["acme/refused", "_refused"].map { "\($0)/20260101T000000Z-stale-9992.http" }
    for name in old { try site.folder.write([], to: "spool/\(name)") }
    func isThere() -> Bool { old.allSatisfy { site.files("spool").contains($0) } }
    for option in [["--instance", "acme"], ["--dry-run"]] {
      let result = try await site.delveWebhook(
        ["spool", "prune", "--older-than", "30d"] + option)
      #expect(result.exitCode == 0, "\(result)")
      #expect(isThere(), "\(option)")
    }
    #expect(try await site.delveWebhook("spool", "prune", "--older-than", "30d").exitCode == 0)
    #expect(!site.files("spool").contains { $0.hasSuffix(".http") })
  }
}
