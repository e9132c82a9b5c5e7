internal import Foundation
internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing

/// Refused requests that are kept to be looked at.
@Suite(.noHang)
struct KeptRefusalTests {
  private static let canMount = mountIsAllowed()
  private static let on = "keep-refused: 2"

  private func kept(_ folder: TemporaryFolder, _ name: String = "acme/refused") -> [String] {
    folder.files(below: "spool/\(name)")
  }

  private func explain(
    _ responder: ResponderUnderTest, _ arguments: String...
  ) async throws -> CommandResult {
    try await command(
      Repository.executable("delve-webhook"), ["explain"] + arguments,
      environment: ["DELVE_WEBHOOK_CONFIG": "\(responder.folder.path)/config.yaml"])
  }

  /// Makes the same delivery until the responder says of one that it is kept, and then waits for its
  /// file: it is written later, behind all others.
  private func keepAnother(
    _ responder: ResponderUnderTest, _ codeWord: String, _ deliver: () throws -> Int
  ) async throws -> String? {
    func told() throws -> [String] {
      try responder.statusOnce().objects("recent").flatMap { strings($0["kept"]) }
        .filter { $0.contains("-\(codeWord)-") }
    }
    let known = try told()
    var new: String?
    let isTold = try await eventually {
      _ = try deliver()
      new = try told().first { !known.contains($0) }
      return new != nil
    }
    #expect(isTold, "the responder says of no \(codeWord) that it is kept")
    guard let new else { return nil }
    let path = "\(responder.folder.path)/spool/\(new)"
    #expect(try await eventually { FileManager.default.fileExists(atPath: path) })
    return String(new.split(separator: "/").last ?? "")
  }

  // MARK: On, explained, off

  @Test func refusalsAreKeptShownExplainedAndNoLongerKept() async throws {
    try await withResponder { responder in
      func refused() throws -> Int {
        try responder.deliver(
          authorization: try nowAuthorization(id: "5", by: .otherP521), hook: "export-complete"
        ).status
      }
      #expect(try refused() == 401)
      #expect(try await responder.logs("code=bad-signature"))
      #expect(!responder.log.contains("kept="))
      let none = try await explain(responder, "--last")
      #expect(none.exitCode == EX_NOINPUT)
      #expect(none.errorOutput.contains("until keep-refused is set"))

      try await responder.reload(exampleConfiguration(settings: Self.on), logs: "reloaded config=")
      let stillNone = try await explain(responder, "--last", "stale")
      #expect(stillNone.exitCode == EX_NOINPUT)
      #expect(!stillNone.errorOutput.contains("keep-refused"))
      let name = try #require(try await keepAnother(responder, "bad-signature", refused))
      #expect(kept(responder.folder) == [name])
      try await checkFile(name, responder)
      try await checkExplanation(name, responder)

      try await responder.reload(exampleConfiguration(), logs: "reloaded config=")
      let lines = responder.log.ranges(of: "kept=").count
      for _ in 0..<3 { #expect(try refused() == 401) }
      #expect(try await responder.logs("code=bad-signature"))
      #expect(responder.log.ranges(of: "kept=").count == lines)
      #expect(kept(responder.folder) == [name])
      // What is there can still be explained.
      let last = try await explain(responder, "--last")
      #expect(last.exitCode == 1)
    }
  }

  private func checkFile(_ name: String, _ responder: ResponderUnderTest) async throws {
    var status = stat()
    #expect(stat("\(responder.folder.path)/spool/acme/refused/\(name)", &status) == 0)
    #expect(status.st_mode == S_IFREG | 0o600)
    #expect(try await responder.logs(" kept=acme/refused/\(name)\n"), "\(responder.log)")
    let entries = try await responder.status().objects("recent").filter { $0["kept"] != nil }
    #expect(entries.map { strings($0["kept"]) } == [["acme/refused/\(name)"]])
    #expect(entries.map { strings($0["code"]) } == [["bad-signature"]])
    #expect(try responder.observe("status").text.contains("kept as acme/refused/\(name)<"))
    let text = responder.folder.text(of: "spool/acme/refused/\(name)")
    #expect(text.hasPrefix("POST /webhooks/delve/any HTTP/1.1\r\nDelve-Webhook-Time: "))
    #expect(text.hasSuffix("\r\n\r\n{}"))
  }

  private func checkExplanation(_ name: String, _ responder: ResponderUnderTest) async throws {
    for arguments in [["--last"], ["--last", "bad-signature"], ["--last", "--instance", "acme"]] {
      let result = try await command(
        Repository.executable("delve-webhook"), ["explain"] + arguments,
        environment: ["DELVE_WEBHOOK_CONFIG": "\(responder.folder.path)/config.yaml"])
      #expect(result.exitCode == 1)
      #expect(result.output.hasPrefix("kept as acme/refused/\(name)\n"), "\(result)")
      #expect(result.output.contains("hook export-complete"))
      #expect(result.output.hasSuffix("answer: 401 bad-signature\n"))
    }
    let json = try await explain(responder, "--last", "--json")
    let object = try #require(try JSONValue(parsing: Array(json.output.utf8)).object)
    #expect(object["code"] == .string("bad-signature"))
    // With the key that it was made with, it would have been stored at that time.
    try responder.folder.write(
      exampleConfiguration().replacing(TestKey.p521.path, with: TestKey.otherP521.path).utf8,
      to: "config.yaml")
    let good = try await explain(responder, "--last")
    #expect(good.exitCode == 0, "\(good)")
    #expect(good.output.hasSuffix("answer: 202 stored\n"))
    let other = try await explain(responder, "--last", "no-code-word")
    #expect(other.exitCode == EX_USAGE)
    #expect(other.errorOutput.contains("no code word of a refusal"))
    // The file by itself says the same.
    try responder.folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let file = "\(responder.folder.path)/spool/acme/refused/\(name)"
    let byName = try await explain(responder, file)
    #expect(byName.exitCode == 1)
    #expect(byName.output.hasSuffix("answer: 401 bad-signature\n"))
  }

  // MARK: How many

  @Test func newestOfEachCodeWordAreKeptAndOneASecond() async throws {
    let one = twoInstances(settings: "keep-refused: 1")
    try await withResponder(configuration: one) { responder in
      func missing() throws -> Int {
        try responder.deliver(authorization: nil, instance: "acme").status
      }
      func misconfigured() throws -> Int {
        try responder.deliver(authorization: nil, instance: "gamma").status
      }
      #expect(try missing() == 401)
      #expect(try misconfigured() == 500)
      let codeWord = "missing-authorization"
      let first = try await keepAnother(responder, "malformed-authorization") {
        try responder.deliver(authorization: Array("Signed ".utf8), instance: "acme").status
      }
      #expect(first != nil)
      // Those without an instance lie beside the instances.
      #expect(try await eventually { kept(responder.folder, "_refused").count == 1 })
      let explained = try await explain(responder, "--last", "misconfigured")
      #expect(explained.exitCode == 1)
      #expect(explained.output.contains("DELVE_INSTANCE unknown"), "\(explained)")
      #expect(explained.output.hasSuffix("answer: 500 misconfigured\n"))

      // Of many at once, few are kept: one a second and code word.
      let start = ContinuousClock.now
      let isSaid = try await eventually {
        let statuses = try responder.deliverUnauthorized(30, instance: "acme")
        return statuses.allSatisfy { $0 == 401 } && responder.log.contains("suppressed=")
      }
      #expect(isSaid, "\(responder.log)")
      let seconds = Int((ContinuousClock.now - start).components.seconds)
      let lines = responder.log.split(separator: "\n").count {
        $0.contains("-\(codeWord)-") && $0.contains(" kept=")
      }
      #expect(lines <= seconds + 2)

      // The next takes the place of the one before.
      let second = try await keepAnother(responder, codeWord, missing)
      let third = try await keepAnother(responder, codeWord, missing)
      #expect(second != nil && third != nil)
      #expect(
        try await eventually {
          kept(responder.folder).filter { $0.contains("-\(codeWord)-") }.count == 1
        }, "\(kept(responder.folder))")
      #expect(kept(responder.folder).contains { $0.contains("-malformed-authorization-") })
      // An event, its duplicate, and a look are no refusals.
      let token = try nowAuthorization()
      #expect(try responder.deliver(authorization: token, instance: "beta").status == 202)
      #expect(try responder.deliver(authorization: token, instance: "beta").status == 200)
      #expect(try responder.observe("status", method: "POST").status == 405)
      #expect(kept(responder.folder, "beta/refused") == [])
      #expect(!(kept(responder.folder, "_refused").contains { $0.contains("-method-") }))
    }
  }

  // MARK: Disks

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func diskThatTakesNothingChangesNoAnswer() async throws {
    let folder = try TemporaryFolder()
    let spool = try folder.makeFolder("spool")
    @Sendable func mount(_ options: String) async throws {
      let result = try await command("mount", ["-t", "tmpfs", "-o", options, "tmpfs", spool])
      #expect(result.exitCode == 0, "\(result.errorOutput)")
    }
    try await mount("size=1m")
    defer { umount2(spool, Int32(MNT_DETACH)) }
    let configuration = exampleConfiguration(settings: Self.on)
    try await withResponder(configuration: configuration, in: folder) { responder in
      func refused() throws -> Int {
        try responder.deliver(authorization: try nowAuthorization(by: .otherP521)).status
      }
      let warning = "refused requests cannot be kept: "
      try await mount("remount,ro")
      #expect(try refused() == 401)
      #expect(try await responder.logs(warning), "\(responder.log)")
      #expect(try responder.deliver(authorization: nowAuthorization()).status == 503)
      try await mount("remount,rw,size=1m")
      #expect(try await keepAnother(responder, "bad-signature", refused) != nil)
      let before = kept(responder.folder)

      _ = try await command("dd", ["if=/dev/zero", "of=\(spool)/filler", "bs=4096"])
      let isSaid = try await eventually { () async throws in
        #expect(try refused() == 401)
        return responder.log.ranges(of: warning).count == 2
      }
      #expect(isSaid, "\(responder.log)")
      // It is said once, and of the disk's own refusals none is kept.
      #expect(try responder.deliver(authorization: nowAuthorization()).status == 503)
      // Ten lines are written in a second: with some more, another one was tried.
      let lines = responder.log.ranges(of: "code=bad-signature").count
      let isTried = try await eventually { () async throws in
        #expect(try refused() == 401)
        return responder.log.ranges(of: "code=bad-signature").count > lines + 30
      }
      #expect(isTried, "\(responder.log)")
      #expect(responder.log.ranges(of: warning).count == 2)
      #expect(
        !responder.log.split(separator: "\n").contains {
          $0.contains("spool-full") && $0.contains("kept=")
        })
      #expect(kept(responder.folder) == before)
      #expect(unlink("\(spool)/filler") == 0)
      #expect(try await keepAnother(responder, "bad-signature", refused) != nil)
    }
  }

  // MARK: Plain CGI

  @Test func processForOneRequestKeepsItToo() async throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("spool")
    try folder.write(exampleConfiguration(settings: Self.on).utf8, to: "config.yaml")
    let token = String(decoding: try nowAuthorization(by: .otherP521), as: UTF8.self)
    func request() async throws -> CommandResult {
      try await command(
        Repository.executable("delve-webhook-fcgi"),
        environment: [
          "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST", "CONTENT_LENGTH": "2",
          "DELVE_WEBHOOK_CONFIG": "\(folder.path)/config.yaml", "HTTP_AUTHORIZATION": token,
          "HTTP_X_SIGNATURE": "ES512 /api/webhook.key",
        ], input: "{}")
    }
    // The first sets the spool up.
    for _ in 1...2 {
      let answer = try await request()
      #expect(answer.output.hasPrefix("Status: 401 "))
      #expect(answer.errorOutput.contains(" kept=acme/refused/"), "\(answer.errorOutput)")
    }
    #expect((1...2).contains(kept(folder).count), "\(kept(folder))")
    #expect(
      folder.text(of: "spool/acme/refused/\(kept(folder).first ?? "")").hasSuffix("\r\n\r\n{}"))

    // A folder that takes none.
    let refused = "\(folder.path)/spool/acme/refused"
    #expect(rename(refused, "\(refused)-aside") == 0)
    #expect(symlink("refused", refused) == 0)
    let answer = try await request()
    #expect(answer.output.hasPrefix("Status: 401 "))
    #expect(answer.errorOutput.contains("refused requests cannot be kept: "))
  }
}
