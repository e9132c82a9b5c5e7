internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// What `spool run` tells node_exporter and the service manager.
@Suite(.noHang)
struct ConsumerMetricsTests {
  private static let isRoot = getuid() == 0
  private static let canMount = mountIsAllowed()

  private let site: SpoolSite

  init() throws {
    site = try SpoolSite()
    try site.folder.makeFolder("metrics")
  }

  private var file: String { "\(site.path)/metrics/run.prom" }

  /// A sample of ours in the file.
  private func value(_ name: String, reason: String? = nil) -> Double? {
    let labels = #"consumer="run",spool="\#(site.path)/spool""#
    let end = reason.map { #",reason="\#($0)""# } ?? ""
    return samples(in: site.text("metrics/run.prom"))[
      "delve_webhook_consumer_\(name){\(labels)\(end)}"
    ].flatMap(Double.init)
  }

  /// How often it has put an event off, by its log.
  private func putOff(_ result: CommandResult) -> Double {
    Double(result.errorOutput.ranges(of: "result=put-off").count)
  }

  private var given: [String] { ["--metrics-file", file] }

  // MARK: The numbers

  /// Each ends in another way.
  @Test func everyEndOfAnEventIsCounted() async throws {
    let names = try site.addEvents(9, issuedApart: 60)
    try site.folder.write("none".utf8, to: "spool/acme/new/\(names[8])")
    let script = """
      case $DELVE_SUBJECT in
      export/0|export/1) exit 0 ;;
      export/2) exit 65 ;;
      export/3) exit 75 ;;
      export/4|export/5) exit 3 ;;
      export/6) kill -9 $$ ;;
      export/7) exec sleep 1000 ;;
      esac
      """
    let first = try await site.run(script, given + ["--timeout", "15"])
    #expect(first.exitCode == 1, "\(first)")
    #expect(value("handled_total") == 2)
    // Five, and more if the run takes so long that some are due again.
    #expect(putOff(first) >= 5 && value("put_off_total") == putOff(first), "\(first)")
    #expect(value("given_up_total", reason: "exit") == 1)
    #expect(value("given_up_total", reason: "noevent") == 1)
    let age = try #require(value("oldest_age_seconds"))
    let oldest = 1_790_000_000 + 3 * 60
    #expect(abs(Date.now.timeIntervalSince1970 - Double(oldest) - age) < 600)
    // The same ones again, for the last time.
    for name in names { try site.makeDue(name) }
    let second = try await site.run(script, given + ["--timeout", "15", "--max-attempts", "2"])
    #expect(second.exitCode == 1, "\(second)")
    #expect(value("handled_total") == 0)
    #expect(putOff(second) >= 1 && value("put_off_total") == putOff(second), "\(second)")
    #expect(value("given_up_total", reason: "exit") == 2)
    #expect(value("given_up_total", reason: "signal") == 1)
    #expect(value("given_up_total", reason: "timelimit") == 1)
    #expect(value("given_up_total", reason: "noevent") == 0)
    // None is left.
    try site.makeDue(names[3])
    #expect(try await site.run("exit 0", given).exitCode == 0)
    #expect(value("handled_total") == 1)
    #expect(value("oldest_age_seconds") == 0)
  }

  /// What its runner's end did to an event counts as well.
  @Test func eventThatWasLeftInHandIsCounted() async throws {
    let name = try site.addEvents(1)[0]
    let killing = "kill -9 $PPID"
    #expect(try await site.run(killing, given).exitCode == -SIGKILL)
    #expect(try await site.run("exit 0", given).exitCode == 1)
    #expect(value("put_off_total") == 1 && value("handled_total") == 0)
    try site.makeDue(name)
    #expect(try await site.run(killing, given).exitCode == -SIGKILL)
    #expect(try await site.run("exit 0", given + ["--max-attempts", "2"]).exitCode == 1)
    #expect(value("given_up_total", reason: "lost") == 1 && value("put_off_total") == 0)
  }

  /// An event that was given back has not ended.
  @Test func eventThatWasReleasedIsNotCounted() async throws {
    try site.addEvents(1)
    let runner = try site.start(
      "run", "--follow", "--metrics-file", file, "--", "sh", "-c",
      "touch \(site.path)/begun; exec sleep 1000")
    #expect(try await eventually { FileManager.default.fileExists(atPath: "\(site.path)/begun") })
    runner.send(signal: SIGTERM)
    #expect(try await eventually { site.text("runner.log").contains("stopping") })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    #expect(site.text("runner.log").contains("result=released"))
    #expect(value("handled_total") == 0 && value("put_off_total") == 0)
    #expect(try #require(value("oldest_age_seconds")) > 0)
  }

  // MARK: By the tools of others

  @Test func nodeExporterServesItAndPromtoolFindsNoFault() async throws {
    try site.addEvents(2, issuedApart: 60)
    let script = "[ $DELVE_SUBJECT = export/0 ] && exit 65; exit 75"
    #expect(try await site.run(script, given).exitCode == 1)
    let text = site.text("metrics/run.prom")
    let check = try await command("promtool", ["check", "metrics"], input: text)
    #expect(check.exitCode == 0 && check.output + check.errorOutput == "", "\(check)")
    // Programs that are told apart: another one, and one for an instance alone.
    let only = ["--metrics-file", "\(site.path)/metrics/acme.prom", "--instance", "acme"]
    // On a slow machine, what was put off is due again.
    #expect(try await site.run("exit 0", only).exitCode == 0)
    let log = "\(site.path)/node-exporter.log"
    let scrape = try await scraped(byNodeExporterFrom: "\(site.path)/metrics", log: log)
    let served = samples(in: scrape)
    #expect(served["node_textfile_scrape_error"] == "0")
    for name in ["run.prom", "acme.prom"] {
      #expect(served[#"node_textfile_mtime_seconds{file="\#(site.path)/metrics/\#(name)"}"#] != nil)
      let written = samples(in: site.text("metrics/\(name)"))
      #expect(written.count == 12)
      for (sample, value) in written {
        // It sorts the labels.
        let labels = sample.dropFirst(sample.prefix { $0 != "{" }.count + 1).dropLast()
          .split(separator: ",").sorted().joined(separator: ",")
        let key = "\(sample.prefix { $0 != "{" }){\(labels)}"
        #expect(served[key].flatMap(Double.init) == Double(value), "\(key)")
      }
    }
    #expect(!site.text("node-exporter.log").contains("error gathering"))
  }

  @Test func anybodyMayReadTheFile() async throws {
    let script = "umask 077; \(site.program) spool run --metrics-file \(file) -- true"
    #expect(try await site.shell(script).exitCode == 0)
    let mode = try await command("stat", ["-c", "%a", file])
    #expect(mode.output == "644\n")
    #expect(site.files("metrics") == ["run.prom"])
  }

  // MARK: A file that cannot be written

  @Test func fileThatNodeExporterWouldNotReadIsRefused() async throws {
    let result = try await site.run("exit 0", ["--metrics-file", "\(site.path)/metrics/run.txt"])
    #expect(result.exitCode == 64 && result.errorOutput.contains("must end in .prom"), "\(result)")
  }

  @Test(arguments: [("away/x.prom", "make the file's folder"), ("x.prom", "name a file")])
  func placeWhereNoFileCanBeIsRefused(place: String, remedy: String) async throws {
    try site.addEvents(1)
    try site.folder.makeFolder("x.prom")
    let result = try await site.run("exit 0", ["--metrics-file", "\(site.path)/\(place)"])
    #expect(result.exitCode == 73 && result.errorOutput.contains(remedy), "\(result)")
    #expect(site.events.count { $0.contains("/new/") } == 1)
  }

  @Test(.enabled(if: isRoot, "needs root, to become another user"))
  func folderOfAnotherUserIsRefused() async throws {
    _ = try await site.shell("chown -R 65534:65534 \(site.path)/spool")
    let script = """
      exec setpriv --reuid=65534 --regid=65534 --clear-groups \
        \(site.program) spool run --metrics-file \(file) -- true
      """
    let result = try await site.shell(script)
    #expect(result.exitCode == 73, "\(result)")
    #expect(result.errorOutput.contains("let user 65534 write in the file's folder"), "\(result)")
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func folderThatIsReadOnlyIsRefused() async throws {
    let folder = "\(site.path)/metrics"
    let mounted = try await command("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", folder])
    #expect(mounted.exitCode == 0, "\(mounted)")
    defer { umount2(folder, 2) }
    let result = try await site.run("exit 0", given)
    #expect(result.exitCode == 73 && result.errorOutput.contains("ReadWritePaths="), "\(result)")
  }

  /// Said once when it begins and once when it ends; events are handled all the time.
  @Test func folderThatGoesAwayStopsNoEvent() async throws {
    let runner = try site.start(
      "run", "--follow", "--metrics-file", file, "--", "sh", "-c",
      "echo x >> \(site.path)/handled")
    #expect(try await eventually { site.text("metrics/run.prom") != "" })
    try FileManager.default.removeItem(atPath: "\(site.path)/metrics")
    #expect(
      try await eventually { site.text("runner.log").contains("cannot be written") })
    #expect(site.text("runner.log").contains("hint=\"make the file's folder\""))
    try site.addEvents(3)
    #expect(try await eventually { site.text("handled") == "x\nx\nx\n" })
    // Another one fails, too.
    try await Task.sleep(for: .seconds(11))
    try site.folder.makeFolder("metrics")
    #expect(try await eventually { value("handled_total") == 3 })
    runner.send(signal: SIGTERM)
    #expect(try await runner.exitCode() == 0)
    let lines = site.text("runner.log").split(separator: "\n")
    #expect(lines.count { $0.contains("cannot be written") } == 1)
    #expect(lines.count { $0.contains("is written again") } == 1)
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func fullDiskStopsNoEventAndNoStart() async throws {
    let folder = "\(site.path)/metrics"
    let mounted = try await command("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", folder])
    #expect(mounted.exitCode == 0, "\(mounted)")
    defer { umount2(folder, 2) }
    _ = try await site.shell("dd if=/dev/zero of=\(folder)/filler bs=4k 2>/dev/null")
    try site.addEvents(2)
    let result = try await site.run("exit 0", given)
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.errorOutput.contains("make space"), "\(result)")
    #expect(site.files("metrics") == ["filler"])
  }

  // MARK: The service manager

  @Test func serviceManagerIsToldWhatWasDoneAndWhatIsWrong() async throws {
    let manager = try DatagramReceiver("\(site.path)/notify")
    let runner = try SpawnedProcess(
      "env",
      [
        "NOTIFY_SOCKET=\(site.path)/notify", "DELVE_WEBHOOK_CONFIG=\(site.path)/config.yaml",
        site.program, "spool", "run", "--follow", "--", "sh", "-c",
        "[ $DELVE_SUBJECT = export/2 ] && exit 75; exit 0",
      ], log: "\(site.path)/runner.log")
    #expect(try await eventually { manager.next() == "READY=1\nSTATUS=draining the spool" })
    let idle = /STATUS=0 handled, 0 put off, 0 given up since 2[0-9T:-]*Z; none waits/
    #expect(
      try await eventually {
        try manager.next().map { try idle.wholeMatch(in: $0) != nil } ?? false
      })
    try site.addEvents(3, issuedFrom: Int(Date.now.timeIntervalSince1970) - 7_200)
    // It looks for the oldest one every ten seconds.
    let done =
      /STATUS=2 handled, [0-9]* put off, 0 given up since [^;]*; the oldest has waited 2 hours/
    #expect(
      try await eventually {
        try manager.next().map { try done.wholeMatch(in: $0) != nil } ?? false
      })
    rename("\(site.path)/spool", "\(site.path)/away")
    #expect(
      try await eventually {
        let text = manager.next()
        return text?.hasPrefix("STATUS=Waiting: no event is handled: ") == true
          && text?.contains("; 2 handled") == true
      })
    rename("\(site.path)/away", "\(site.path)/spool")
    #expect(
      try await eventually { manager.next()?.hasPrefix("STATUS=2 handled") ?? false })
    runner.send(signal: SIGTERM)
    #expect(try await eventually { manager.next() == "STOPPING=1" })
    #expect(try await runner.exitCode() == 0)
  }
}
