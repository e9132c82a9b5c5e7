internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `delve-webhook keys fetch` and `keys remove`.
@Suite(.noHang)
struct KeysTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    // What somebody has in a ~/.curlrc switches no check off.
    try folder.write("insecure\n".utf8, to: "home/.curlrc")
  }

  private var file: String { "\(folder.path)/keys/acme.json" }

  private func configure(
    port: Int = 1, location: String = "/api/webhook.key", algorithms: String = "ES512",
    keys: String = "keys/acme.json"
  ) throws {
    let text = """
      spool: spool
      key-reports: reports
      instances:
        acme:
          url: https://localhost:\(port)/
          keys: [\(keys)]
          key-location: \(location)
          algorithms: [\(algorithms)]
      """
    try folder.write(text.utf8, to: "config.yaml")
  }

  /// What the instance serves.
  private func publish(_ keys: TestKey...) throws {
    var set = JSONWebKeySet()
    for key in keys { set.add(try key.verificationKeys[0], fetchedAt: Timestamp(seconds: 0)) }
    try folder.write(set.text, to: "www/api/webhook.key")
  }

  private func delveWebhook(
    _ arguments: String..., isTrusted: Bool = true
  ) async throws -> CommandResult {
    var environment = ["DELVE_WEBHOOK_CONFIG": "\(folder.path)/config.yaml"]
    if isTrusted { environment["CURL_CA_BUNDLE"] = "\(folder.path)/tls.pem" }
    environment["HOME"] = "\(folder.path)/home"
    return try await command(
      Repository.executable("delve-webhook"), ["keys"] + arguments, environment: environment)
  }

  private func thumbprint(_ key: TestKey) throws -> String {
    try key.verificationKeys[0].thumbprint.text
  }

  private func thumbprints(_ path: String) throws -> [String] {
    try KeyFile(parsing: fileBytes(path)).keys.map(\.thumbprint.text)
  }

  // MARK: keys fetch

  /// The responder would not start with one more.
  @Test func keyAboveTheLimitIsNotAdded() async throws {
    try await withHTTPSServer(in: folder) { port in
      try configure(port: port)
      let key = String(
        decoding: try fileBytes("\(Repository.root)/Tests/Attacks/keys/p521.jwk.json"),
        as: UTF8.self)
      let keys = [String](repeating: key, count: 32).joined(separator: ",")
      let text = #"{"keys":[\#(keys)]}"#
      try folder.write(text.utf8, to: "keys/acme.json")
      try publish(.otherP521)
      let result = try await delveWebhook("fetch", "acme", "--yes")
      #expect(result.exitCode == 1)
      #expect(result.errorOutput.contains("keys remove"), "\(result)")
      #expect(folder.text(of: "keys/acme.json") == text)
    }
  }

  @Test func firstKeyMakesTheFileAndTheExitCodeTellsWhatHappened() async throws {
    try await withHTTPSServer(in: folder) { port in
      try configure(port: port)
      try publish(.p521)
      let unconfirmed = try await delveWebhook("fetch", "acme")
      #expect(unconfirmed.exitCode == 1)
      #expect(unconfirmed.errorOutput.contains("pass --yes"))
      #expect(folder.files(below: "keys") == [])
      let first = try await delveWebhook("fetch", "acme", "--yes")
      #expect(first.exitCode == 2, "\(first.errorOutput)")
      #expect(try thumbprints(file) == [thumbprint(.p521)])
      var status = stat()
      #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o644)
      let again = try await delveWebhook("fetch", "acme", "--yes")
      #expect(again.exitCode == 0)
      #expect(again.output.hasSuffix("nothing new\n"))
      try publish(.p521, .otherP521)
      let rotated = try await delveWebhook("fetch", "acme", "--yes")
      #expect(rotated.exitCode == 2)
      #expect(rotated.output.contains("NEW    EC P-521  \(try thumbprint(.otherP521))"))
      #expect(try thumbprints(file) == [thumbprint(.p521), thumbprint(.otherP521)])
      let check = try await delveWebhook("check")
      #expect(
        check.output.matches(of: /serves ES512, fetched \d{4}-\d\d-\d\d\n/).count == 2,
        "\(check.output)")
    }
  }

  @Test func confirmedAtATerminal() async throws {
    try await withHTTPSServer(in: folder) { port in
      try configure(port: port)
      try publish(.p521)
      let program = Repository.executable("delve-webhook")
      let line = "stty cols 40 2>/dev/null; \"\(program)\" keys fetch acme; echo code $?"
      let shown = try await command(
        "sh", ["-c", "echo y | script -qec \"$1\" /dev/null", "sh", line],
        environment: [
          "DELVE_WEBHOOK_CONFIG": "\(folder.path)/config.yaml", "TERM": "dumb",
          "CURL_CA_BUNDLE": "\(folder.path)/tls.pem",
        ])
      #expect(shown.output.contains("? [y/N]"), "\(shown.output)")
      #expect(shown.output.contains("code 2"), "\(shown.output)")
      #expect(!shown.output.contains("\u{1B}"))
      #expect(try thumbprints(file) == [thumbprint(.p521)])
    }
  }

  @Test func keyIsAddedToAPEMFileBesideTheOldOne() async throws {
    try await withHTTPSServer(in: folder) { port in
      try configure(port: port, keys: "keys/acme.pem")
      try folder.write(fileBytes(TestKey.p521.path), to: "keys/acme.pem")
      try publish(.otherP521)
      #expect(try await delveWebhook("fetch", "acme", "--yes").exitCode == 2)
      #expect(
        try thumbprints("\(folder.path)/keys/acme.pem")
          == [thumbprint(.p521), thumbprint(.otherP521)])
    }
  }

  @Test func keyThatServesNothingIsShownAndNeverAdded() async throws {
    try await withHTTPSServer(in: folder) { port in
      try configure(port: port)
      try folder.write(fileBytes(TestKey.p521.path), to: "keys/acme.json")
      let before = try fileBytes(file)
      try publish(.p521, .p256)
      let useless = try await delveWebhook("fetch", "acme", "--yes")
      #expect(useless.exitCode == 1)
      let remark = "\(try thumbprint(.p256)) serves none of the instance's algorithms"
      #expect(useless.errorOutput.contains(remark))
      #expect(useless.errorOutput.contains("it can serve ES256"))
      #expect(try fileBytes(file) == before)
      #expect(try await delveWebhook("fetch", "--check").exitCode == 1)
      // Beside one that serves: that one is added, and the exit code still says that one was not.
      try publish(.p521, .p256, .otherP521)
      let mixed = try await delveWebhook("fetch", "acme", "--yes")
      #expect(mixed.exitCode == 1)
      #expect(try thumbprints(file) == [thumbprint(.p521), thumbprint(.otherP521)])
    }
  }

  @Test func whatIsNoKeyRedirectsOrIsTooLongIsNotTaken() async throws {
    try await withHTTPSServer(in: folder) { port in
      try folder.write(fileBytes(TestKey.p521.path), to: "keys/acme.json")
      try folder.write(Array("<html>".utf8), to: "www/page")
      try folder.write([UInt8](repeating: 0x20, count: 70_000), to: "www/long")
      for (location, message) in [
        ("/page", "is not a key file"), ("/long", "longer than 65536 bytes"),
        ("/moved", "answered 302, not 200"), ("/nowhere", "answered 404, not 200"),
        ("https://evil.example/key", "is not on the instance's host"),
      ] {
        try configure(port: port, location: location)
        for arguments in [["acme", "--yes"], ["--check"]] {
          let result = try await delveWebhook("fetch", arguments[0], arguments.last ?? "")
          #expect(![0, 1, 2].contains(result.exitCode), "\(arguments)")
          #expect(result.errorOutput.contains(message), "\(location): \(result.errorOutput)")
        }
        #expect(try fileBytes(file) == fileBytes(TestKey.p521.path))
      }
      try configure(port: port)
      try publish(.otherP521)
      let distrusted = try await delveWebhook("fetch", "acme", "--yes", isTrusted: false)
      #expect(distrusted.exitCode == 69)
      #expect(try fileBytes(file) == fileBytes(TestKey.p521.path))
    }
  }

  // MARK: keys fetch --check

  @Test func checkChangesNothingAndReportsForTheResponder() async throws {
    try await withHTTPSServer(in: folder) { port in
      try configure(port: port)
      try folder.write(fileBytes(TestKey.p521.path), to: "keys/acme.json")
      try publish(.p521)
      let before = folder.files(below: ".")
      #expect(try await delveWebhook("fetch", "--check").exitCode == 0)
      try publish(.p521, .otherP521)
      let found = try await delveWebhook("fetch", "--check")
      #expect(found.exitCode == 2)
      #expect(found.output.hasSuffix("acme: new keys\n"))
      #expect(folder.files(below: ".") == before)
      #expect(try fileBytes(file) == fileBytes(TestKey.p521.path))

      let noFolder = try await delveWebhook("fetch", "--check", "--report")
      #expect(noFolder.exitCode == 73)
      #expect(noFolder.errorOutput.contains("there is no such folder: make it"))
      try folder.makeFolder("reports")
      let reported = try await delveWebhook("fetch", "--check", "--report")
      #expect(reported.exitCode == 2)
      #expect(reported.output.isEmpty)
      #expect(reported.errorOutput.contains(" warning a key of the instance is not configured"))
      #expect(reported.errorOutput.contains("key=\(try thumbprint(.otherP521))"))
      #expect(folder.files(below: "reports") == ["acme.json"])
      let report = try #require(
        try JSONValue(parsing: fileBytes("\(folder.path)/reports/acme.json")).object)
      #expect(report["new"] == .array([.string(try thumbprint(.otherP521))]))
      try publish(.p521)
      #expect(try await delveWebhook("fetch", "--check", "--report").exitCode == 0)
      #expect(folder.text(of: "reports/acme.json").contains("\"new\":[]"))
      // What was found stays known while the instance does not answer.
      try folder.write("x".utf8, to: "www/api/webhook.key")
      let text = folder.text(of: "reports/acme.json")
      #expect(try await delveWebhook("fetch", "--check", "--report").exitCode == 69)
      #expect(folder.text(of: "reports/acme.json") == text)
    }
  }

  @Test func wrongCommandLinesAreRefused() async throws {
    try configure()
    for arguments in [["fetch"], ["fetch", "acme", "--report"], ["fetch", "nobody", "--check"]] {
      let result = try await command(
        Repository.executable("delve-webhook"), ["keys"] + arguments,
        environment: ["DELVE_WEBHOOK_CONFIG": "\(folder.path)/config.yaml"])
      #expect(result.exitCode == 64, "\(arguments)")
    }
  }

  // MARK: keys remove

  private func writeSet(_ keys: [TestKey], to name: String) throws {
    var set = JSONWebKeySet()
    for key in keys { set.add(try key.verificationKeys[0], fetchedAt: Timestamp(seconds: 0)) }
    try folder.write(set.text, to: name)
  }

  @Test func removedByAPrefixAndNeverTheLast() async throws {
    try configure()
    try writeSet([.p521, .otherP521], to: "keys/acme.json")
    #expect(chmod(file, 0o640) == 0)
    let prefix = String(try thumbprint(.p521).prefix(6))
    #expect(try await delveWebhook("remove", "--", String(prefix.prefix(5))).exitCode == 64)
    let unknown = try await delveWebhook("remove", "--", "xxxxxx")
    #expect(unknown.exitCode == 1)
    #expect(unknown.errorOutput.contains("keys check shows them"))
    let removed = try await delveWebhook("remove", "--", prefix)
    #expect(removed.exitCode == 0, "\(removed.errorOutput)")
    #expect(removed.output == "removed \(try thumbprint(.p521))\nfrom \(file)\n")
    #expect(try thumbprints(file) == [thumbprint(.otherP521)])
    var status = stat()
    #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o640)
    #expect(folder.files(below: "keys") == ["acme.json"])
    let last = try await delveWebhook("remove", "--", try thumbprint(.otherP521))
    #expect(last.exitCode == 1)
    #expect(last.errorOutput.contains("is the only key in"))
    #expect(try thumbprints(file) == [thumbprint(.otherP521)])
  }

  @Test func lastKeyThatServesStaysAndAUselessOneMayGo() async throws {
    try configure()
    try writeSet([.p521, .p256], to: "keys/acme.json")
    let useful = try await delveWebhook("remove", "--", try thumbprint(.p521))
    #expect(useful.exitCode == 1)
    #expect(useful.errorOutput.contains("is the last key that serves the instance acme"))
    #expect(try thumbprints(file).count == 2)
    #expect(try await delveWebhook("remove", "--", try thumbprint(.p256)).exitCode == 0)
    #expect(try thumbprints(file) == [thumbprint(.p521)])
  }

  @Test func keyOfAPEMFileIsTakenOutOfTheConfigurationByHand() async throws {
    try folder.write(fileBytes(TestKey.p521.path), to: "keys/old.pem")
    try writeSet([.otherP521, .p521], to: "keys/acme.json")
    try configure(keys: "keys/acme.json, keys/old.pem")
    let before = try fileBytes(file)
    let result = try await delveWebhook("remove", "--", try thumbprint(.p521))
    #expect(result.exitCode == 1)
    #expect(result.errorOutput.contains("old.pem, which cannot be empty"))
    #expect(result.errorOutput.contains("take this one out of keys in"))
    #expect(try fileBytes(file) == before)
  }

  @Test func keyGoesFromEveryFileThatHasIt() async throws {
    try configure(keys: "keys/acme.json, keys/more.json")
    try writeSet([.p521, .otherP521], to: "keys/acme.json")
    try writeSet([.p521, .otherP521], to: "keys/more.json")
    let result = try await delveWebhook("remove", "--", try thumbprint(.p521))
    #expect(result.exitCode == 0)
    #expect(result.output.split(separator: "\n").count == 4)
    for name in ["acme", "more"] {
      #expect(try thumbprints("\(folder.path)/keys/\(name).json") == [thumbprint(.otherP521)])
    }
  }

  /// Each of them reads the file, and writes it anew.
  @Test func removalsAtTheSameTimeLoseNothing() async throws {
    try configure(algorithms: "ES256, ES384, ES512, EdDSA, RS256")
    try writeSet(TestKey.allCases, to: "keys/acme.json")
    let going = TestKey.allCases.filter { $0 != .p521 }
    try await withThrowingTaskGroup(of: Int32.self) { group in
      for key in going {
        group.addTask { try await delveWebhook("remove", "--", thumbprint(key)).exitCode }
      }
      for try await code in group { #expect(code == 0) }
    }
    #expect(try thumbprints(file) == [thumbprint(.p521)])
    #expect(folder.files(below: "keys") == ["acme.json"])
  }
}
