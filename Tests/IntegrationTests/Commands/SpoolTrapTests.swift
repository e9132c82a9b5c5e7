internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// What a command that moves or removes events could do to the wrong ones, or say of the right ones.
@Suite(.noHang)
struct SpoolTrapTests {
  private let site: SpoolSite
  private let names: [String]

  init() throws {
    site = try SpoolSite()
    names = try site.addEvents(3, issuedApart: 60)
    _ = try site.folder.makeFolder("spool/acme/dead")
    for name in names {
      let instance = "\(site.path)/spool/acme"
      try FileManager.default.moveItem(
        atPath: "\(instance)/new/\(name)", toPath: "\(instance)/dead/\(name)")
    }
  }

  private var dead: [String] { names.map { "acme/dead/\($0)" } }

  // MARK: Which event is meant

  /// A copy has the same names in the same folders.
  @Test(arguments: ["remove", "finish", "retry", "show"])
  func pathOfACopyMeansNoEventOfTheSpool(verb: String) async throws {
    let copied = try await site.shell("cp -rp '\(site.path)/spool' '\(site.path)/copy'")
    #expect(copied.exitCode == 0, "\(copied)")
    for path in ["\(site.path)/copy/\(dead[0])", "copy/\(dead[0])", "/\(dead[0])"] {
      let result = try await site.shell(
        "cd '\(site.path)'; '\(site.program)' spool \(verb) \(verb == "remove" ? "--yes" : "") '\(path)'"
      )
      #expect(result.exitCode == 1, "\(result)")
      #expect(result.output == "" && result.errorOutput.contains("no event called"), "\(result)")
    }
    #expect(site.events == dead)
  }

  @Test func pathThatLeadsIntoTheSpoolMeansItsEvent() async throws {
    _ = try await site.shell("ln -s spool '\(site.path)/link'")
    let paths = ["\(site.path)/spool/\(dead[0])", "link/\(dead[1])", "./spool/../spool/\(dead[2])"]
    for path in paths {
      let result = try await site.shell(
        "cd '\(site.path)'; '\(site.program)' spool retry '\(path)'")
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(site.events == names.map { "acme/new/\($0)" })
  }

  @Test func folderThatIsNoSpoolIsSaid() async throws {
    for arguments in [["list"], ["retry", "--all"], ["prune", "--older-than", "1d"]] {
      let result = try await site.delveWebhook(
        ["spool"] + arguments + ["--spool", "\(site.path)/spool/acme"])
      #expect(result.exitCode == 0, "\(result)")
      #expect(result.errorOutput.contains("warning: nothing of any instance lies in"), "\(result)")
    }
    // A copy of some folders is one.
    let copied = try await site.shell(
      "mkdir -p '\(site.path)/copy/acme'; cp -rp '\(site.path)/spool/acme/dead' '\(site.path)/copy/acme'"
    )
    #expect(copied.exitCode == 0, "\(copied)")
    let copy = try await site.delveWebhook("spool", "list", "--spool", "\(site.path)/copy")
    #expect(copy.exitCode == 0 && copy.errorOutput == "", "\(copy)")
    let empty = try await site.shell("mkdir '\(site.path)/empty'")
    #expect(empty.exitCode == 0)
    let verified = try await site.delveWebhook("spool", "verify", "--spool", "\(site.path)/empty")
    #expect(verified.exitCode == EX_NOINPUT, "\(verified)")
    #expect(verified.output == "")
  }

  @Test func namesThatCannotBeReadAreNoEmptyList() async throws {
    let result = try await site.shell("'\(site.program)' spool retry - <'\(site.path)'")
    #expect(result.exitCode == EX_NOINPUT, "\(result)")
    #expect(result.errorOutput.contains("Is a directory"), "\(result)")
    #expect(site.events == dead)
  }

  // MARK: What is said

  /// The event has moved, whatever becomes of its record.
  @Test(
    .enabled("needs chattr", chattrIsAllowed),
    arguments: [("retry", "retried"), ("finish", "finished"), ("remove", "removed")])
  func eventWhoseRecordStaysHasMovedAllTheSame(verb: String, participle: String) async throws {
    let record = "\(site.path)/spool/\(dead[0]).state"
    try Data(#"{"attempts":1}"#.utf8).write(to: URL(filePath: record))
    _ = try await command("chattr", ["+i", record])
    let confirmed = verb == "remove" ? ["--yes"] : []
    let result = try await site.delveWebhook(
      ["spool", verb, "--all", "--state", "dead"] + confirmed)
    _ = try await command("chattr", ["-i", record])
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output == dead.map { "\($0)\n" }.joined())
    #expect(result.errorOutput == "3 events \(participle)\n")
    #expect(!site.events.contains { $0.hasPrefix("acme/dead/") && $0.hasSuffix(".json") })
  }

  /// Who runs this is the right user: another one has left a file there.
  @Test(.enabled(if: getuid() == 0, "needs root, to give the spool to another user"))
  func fileOfAnotherInOnesOwnFolderIsToBeGivenBack() async throws {
    let path = site.path
    let given = try await site.shell(
      """
      chown -R nobody '\(path)/spool'; chmod 711 '\(path)'; chown root '\(path)/spool/\(dead[0])'
      chmod 600 '\(path)/spool/\(dead[0])'
      """)
    #expect(given.exitCode == 0, "\(given)")
    let result = try await site.shell(
      "setpriv --reuid nobody --clear-groups '\(site.program)' spool retry --all --spool '\(path)/spool'"
    )
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.errorOutput.contains("give the spool to the user"), "\(result)")
    #expect(!result.errorOutput.contains("runuser"), "\(result)")
  }

  // MARK: Signals

  /// Nobody reads what the command says: the second signal ends that, too.
  @Test(arguments: [["retry"], ["remove", "--yes"]])
  func secondSignalEndsACommandWhoseOutputNobodyReads(verb: [String]) async throws {
    let count = 3_000
    try site.addEvents(count, from: 10)
    _ = try await site.shell("mv '\(site.path)'/spool/acme/new/* '\(site.path)/spool/acme/dead/'")
    // It holds 64 KiB.
    let fifo = "\(site.path)/fifo"
    #expect(mkfifo(fifo, 0o600) == 0)
    let held = open(fifo, O_RDWR | O_CLOEXEC)
    defer { close(held) }
    let command = try SpawnedProcess(
      "sh",
      [
        "-c",
        "exec '\(site.program)' spool \(verb.joined(separator: " ")) --all --spool '\(site.path)/spool' "
          + ">'\(fifo)'",
      ], log: "\(site.path)/command.log")
    // As soon as the pipe is full, no more events move.
    var last = -1
    #expect(
      try await eventually {
        let left = site.count("dead")
        defer { last = left }
        return left < count && left == last
      })
    command.send(signal: SIGINT)
    try await Task.sleep(for: .milliseconds(300))
    command.send(signal: SIGINT)
    #expect(try await command.exitCode() == 1)
    let left = site.count("dead")
    #expect(
      site.text("command.log").contains(
        "\(count + 3 - left) events \(verb[0] == "retry" ? "retried" : "removed"), \(left) left"),
      "\(left): \(site.text("command.log"))")
  }

  /// Whenever a signal comes, pruning says what it has removed.
  @Test func pruningThatASignalEndsSaysWhatItRemoved() async throws {
    let day = "spool/acme/done/2020-01-01"
    let count = 5_000
    _ = try await site.shell(
      """
      mkdir -p '\(site.path)/\(day)'; cd '\(site.path)/\(day)'
      for i in $(seq \(count)); do printf '%s-export-done-%d-%032d.json\\n' 20200101T000000Z $i $i; done |
        xargs touch
      """)
    let prune = try SpawnedProcess(
      site.program, ["spool", "prune", "--older-than", "1d", "--spool", "\(site.path)/spool"],
      log: "\(site.path)/prune.log")
    #expect(try await eventually { site.files(day).count < count })
    prune.send(signal: SIGTERM)
    let exitCode = try await prune.exitCode()
    let left = site.files(day).count
    // It was in the middle, or at what comes behind the events, or it was quicker.
    let isSaid = site.text("prune.log").contains("a signal ended it")
    #expect(exitCode == (isSaid ? 1 : 0), "\(left): \(site.text("prune.log"))")
    #expect(isSaid || left == 0)
    #expect(
      site.text("prune.log").contains("acme: \(count - left) of done removed\n"),
      "\(left): \(site.text("prune.log"))")
  }
}
