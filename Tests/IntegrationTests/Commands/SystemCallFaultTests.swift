internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// Failures and ends at single system calls of the built commands, by strace(1).
@Suite(.noHang)
struct SystemCallFaultTests {
  /// What changes a spool.
  private static let calls = [
    "renameat2", "renameat", "fsync", "unlinkat", "mkdirat", "write", "openat", "flock",
  ]

  let site: SpoolSite

  init() throws {
    site = try SpoolSite()
  }

  /// Runs a command of the spool with a fault in it.
  /// - Parameter fault: as in `renameat2:signal=KILL:when=2`.
  private func withFault(
    _ fault: String, at path: String? = nil, _ arguments: String
  ) async throws -> CommandResult {
    let filter = path.map { "-P \($0)" } ?? ""
    return try await site.shell(
      """
      exec strace -f -qq -o \(site.path)/strace \(filter) -e inject=\(fault) \
        \(site.program) spool \(arguments)
      """)
  }

  private func places(of name: String) -> [String] {
    site.events.filter { $0.hasSuffix(name) }
  }

  // MARK: Ends

  /// Whatever call it ends at, the event lies in one place, is handled in the end, and leaves no
  /// record behind.
  @Test(arguments: calls, [0, 1, 65])
  func runnerThatEndsAtACallLosesNoEvent(call: String, exitCode: Int) async throws {
    let handler = "echo handled >> \(site.path)/handled; exit \(exitCode)"
    for occurrence in 1...40 {
      let name = try site.addEvents(1, from: occurrence)[0]
      let result = try await withFault(
        "\(call):signal=KILL:when=\(occurrence)", "run -- sh -c '\(handler)'")
      let place = places(of: name)
      #expect(place.count == 1, "\(call) \(occurrence): \(place)")
      // What was in hand counts as tried; what was put off is due now.
      for _ in 0..<2 {
        _ = try await site.run("exit 0")
        try site.makeDue(name)
      }
      _ = try await site.run("exit 0")
      let end = places(of: name)
      #expect(
        end == ["acme/done/\(site.today)/\(name)"] || end == ["acme/dead/\(name)"],
        "\(call) \(occurrence): \(end)")
      let pruned = try await site.delveWebhook("spool", "prune", "--older-than", "0s", "--dead")
      #expect(pruned.exitCode == 0, "\(pruned)")
      let rest = ["defer", "dead", "cur", "new"].flatMap { site.files("spool/acme/\($0)") }
      #expect(rest == [], "\(call) \(occurrence)")
      // strace ends as its program did.
      guard result.exitCode == -SIGKILL || result.exitCode == 128 + SIGKILL else { return }
    }
  }

  @Test(arguments: calls, ["retry", "finish"])
  func commandThatEndsAtACallLosesNoEvent(call: String, verb: String) async throws {
    for occurrence in 1...30 {
      let name = try site.addEvents(1, from: occurrence)[0]
      _ = try await site.run("exit 65")
      let result = try await withFault("\(call):signal=KILL:when=\(occurrence)", "\(verb) \(name)")
      #expect(places(of: name).count == 1, "\(call) \(occurrence): \(site.events)")
      _ = try await site.shell("rm -f \(site.path)/spool/acme/*/\(name)*")
      guard result.exitCode == -SIGKILL || result.exitCode == 128 + SIGKILL else { return }
    }
  }

  /// What a command says it did, a power cut does not undo.
  @Test(arguments: [("retry", "new"), ("finish", "done"), ("remove --yes", "dead")])
  func commandSyncsTheFoldersThatItHasChanged(verb: String, target: String) async throws {
    let name = try site.addEvents(1)[0]
    _ = try await site.run("exit 65")
    let result = try await site.shell(
      "exec strace -f -qq -y -e trace=fsync,renameat2,unlinkat -o \(site.path)/strace "
        + "\(site.program) spool \(verb) \(name)")
    #expect(result.exitCode == 0, "\(result)")
    let calls = site.text("strace").split(separator: "\n").map(String.init)
    let change = try #require(
      calls.lastIndex { $0.contains("\"\(name)\"") && $0.contains("/dead>") }, "\(calls)")
    for folder in Set([target, "dead"]) {
      #expect(
        calls[change...].contains { $0.contains("fsync(") && $0.contains("/acme/\(folder)") },
        "\(folder): \(calls)")
    }
  }

  /// Of those that are old; the young one stays, whatever call it ends at.
  @Test(arguments: calls)
  func pruneThatEndsAtACallRemovesNothingYoung(call: String) async throws {
    for occurrence in 1...40 {
      let names = try site.addEvents(3, from: 3 * occurrence)
      try site.folder.makeFolder("spool/acme/done/2020-01-01")
      rename(
        "\(site.path)/spool/acme/new/\(names[0])",
        "\(site.path)/spool/acme/done/2020-01-01/\(names[0])")
      _ = try await site.run("exit 1")
      let result = try await withFault(
        "\(call):signal=KILL:when=\(occurrence)", "prune --older-than 30d --dead")
      for name in names.dropFirst() {
        #expect(places(of: name) == ["acme/defer/\(name)"], "\(call) \(occurrence)")
        #expect(site.text("spool/acme/defer/\(name).state").contains("attempts"))
      }
      _ = try await site.shell("rm -rf \(site.path)/spool/acme/*/*")
      guard result.exitCode == -SIGKILL || result.exitCode == 128 + SIGKILL else { return }
    }
  }

  // MARK: Failures

  /// A bad sector under one event's file.
  @Test(arguments: ["EIO", "EUCLEAN", "EBADMSG"])
  func fileThatCannotBeReadIsLeftOutAlone(error: String) async throws {
    let names = try site.addEvents(5, issuedApart: 60)
    let bad = "\(site.path)/spool/acme/cur/\(names[0])"
    let result = try await withFault("pread64:error=\(error)", at: bad, "run -- true")
    #expect(result.exitCode == 1 && result.errorOutput.contains(names[0]), "\(result)")
    #expect(result.errorOutput.contains("pread"), "\(result)")
    #expect(site.files("spool/acme/done").count == 4, "\(site.events)")
    #expect(site.files("spool/acme/new") == [names[0]])
  }

  /// They have moved, and nobody knows whether that outlives a power cut.
  @Test func movesThatCannotBeMadeDurableAreTheSpoolsFailure() async throws {
    try site.addEvents(2)
    _ = try await site.run("exit 65")
    let result = try await withFault("fsync:error=EIO", "retry --all")
    #expect(result.exitCode == 74, "\(result)")
    #expect(result.errorOutput.hasSuffix("2 events retried\n"), "\(result)")
    #expect(result.errorOutput.contains("fsync"), "\(result)")
    #expect(site.files("spool/acme/new").count == 2)
  }

  /// It was not begun, and does not count as tried.
  @Test func eventIsGivenBackIfTheFolderOfTheDayCannotBeMade() async throws {
    let names = try site.addEvents(2)
    let done = try site.folder.makeFolder("spool/acme/done")
    let result = try await withFault(
      "mkdirat:error=ENOSPC", at: done, "run -- sh -c 'echo x >> \(site.path)/handled'")
    #expect(result.exitCode == 74, "\(result)")
    #expect(result.errorOutput.contains("No space left"), "\(result)")
    #expect(site.text("handled") == "")
    #expect(site.events.sorted() == names.map { "acme/new/\($0)" }.sorted())
  }

  /// The same of a folder is the disk's failure: nothing is handled, and nothing has moved.
  @Test(arguments: ["getdents64", "renameat2"])
  func folderThatCannotBeReadOrWrittenStopsAllHandling(call: String) async throws {
    let names = try site.addEvents(3, issuedApart: 60)
    let result = try await withFault(
      "\(call):error=EIO", "run -- sh -c 'echo x >> \(site.path)/handled'")
    #expect(result.exitCode == 74 || result.exitCode == 66, "\(result)")
    #expect(result.errorOutput.contains("Input/output error"), "\(result)")
    #expect(site.text("handled") == "" && site.files("spool/acme/new") == names)
  }
}
