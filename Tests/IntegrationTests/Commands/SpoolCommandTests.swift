internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookCore

/// The built `spool verify`, `spool stats` and `config check`.
@Suite(.noHang)
struct SpoolCommandTests {
  private let folder: TemporaryFolder

  /// Makes three events of the instance `acme`, two of them in `new/`.
  init() throws {
    folder = try TemporaryFolder()
    try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    for (index, place) in ["new", "new", "done/2026-09-22"].enumerated() {
      let event = try exampleEvent(id: "e\(index)")
      try folder.write(event.line, to: "spool/acme/\(place)/\(event.fileName)")
    }
  }

  private func delveWebhook(_ arguments: String...) async throws -> CommandResult {
    try await command(
      Repository.executable("delve-webhook"), arguments,
      environment: ["DELVE_WEBHOOK_CONFIG": "\(folder.path)/config.yaml"])
  }

  // MARK: verify

  @Test func everyEventThatIsAsItWasStoredHolds() async throws {
    let result = try await delveWebhook("spool", "verify")
    #expect(result.exitCode == 0)
    #expect(result.output == "3 of 3 events hold\n")
    #expect(result.errorOutput == "")  // no progress bar in a pipe
  }

  @Test func otherKeysCanBeNamed() async throws {
    let good = try await delveWebhook("spool", "verify", "--keys", TestKey.p521.path)
    #expect(good.exitCode == 0)
    let bad = try await delveWebhook("spool", "verify", "--keys", TestKey.otherP521.path)
    #expect(bad.output.contains("no key made the token's signature"))
    #expect(bad.exitCode == 1)
  }

  @Test func fileThatCannotBeReadDoesNotHold() async throws {
    let made = try await command(
      "sh", ["-c", "printf rubbish > \"$(printf '\(folder.path)/spool/acme/new/\\377.json')\""])
    #expect(made.exitCode == 0)
    let result = try await delveWebhook("spool", "verify")
    #expect(result.exitCode == 1)
    #expect(result.output.contains("its name is not UTF-8\n3 of 4 events hold\n"))
  }

  @Test func fullDiskUnderTheOutputIsNoSuccess() async throws {
    let program = Repository.executable("delve-webhook")
    let arguments = "spool list --spool \(folder.path)/spool"
    let full = try await command("sh", ["-c", "\(program) \(arguments) > /dev/full"])
    #expect(full.exitCode == 74)
    #expect(full.errorOutput.contains("No space left on device"))
    let gone = try await command("sh", ["-c", "\(program) \(arguments) | true; echo"])
    #expect(gone.errorOutput == "")
  }

  @Test func sameNameInTwoInstancesIsToldApartByThePath() async throws {
    let event = try exampleEvent(id: "e0")
    try folder.write(event.line, to: "spool/beta/new/\(event.fileName)")
    let ambiguous = try await delveWebhook("spool", "show", event.fileName.description)
    #expect(ambiguous.exitCode == 1)
    let path = "\(folder.path)/spool/beta/new/\(event.fileName)"
    let shown = try await delveWebhook("spool", "show", path)
    #expect(shown.output.contains("file          beta/new/"))
  }

  @Test func argumentsOutOfRangeAreUsageErrors() async throws {
    #expect(try await delveWebhook("spool", "list", "--limit=-1").exitCode == 64)
    let year = "9223372036854775807-01-01T00:00:00Z"
    #expect(
      try await delveWebhook("explain", "\(folder.path)/config.yaml", "--now", year).exitCode == 64)
  }

  // MARK: stats

  @Test func statsCountAndSayTheOldestAge() async throws {
    let table = try await delveWebhook("spool", "stats")
    #expect(table.exitCode == 0)
    #expect(table.output.contains("acme      new    2       "))
    #expect(table.output.contains("acme      dead   0       -"))
    let json = try await delveWebhook("spool", "stats", "--json")
    let object = try #require(try JSONValue(parsing: Array(json.output.utf8)).object)
    #expect(object["folders"]?.array?.count == 5)
    #expect(object["freebytes"]?.number != nil)
  }

  @Test func statsForPrometheusHaveTypesAndLabels() async throws {
    let result = try await delveWebhook("spool", "stats", "--prometheus")
    let spool = "spool=\"\(folder.path)/spool\""
    #expect(result.output.contains("# TYPE delve_webhook_spool_events gauge\n"))
    #expect(
      result.output.contains(
        "delve_webhook_spool_events{\(spool),instance=\"acme\",state=\"done\"} 1\n"))
    #expect(
      result.output.contains(
        "delve_webhook_spool_oldest_age_seconds{\(spool),instance=\"acme\",state=\"new\"} "))
    #expect(
      !result.output.contains("oldest_age_seconds{\(spool),instance=\"acme\",state=\"dead\"}"))
    #expect(result.output.contains("\ndelve_webhook_spool_free_inodes{\(spool)} "))
  }

  // MARK: config check

  @Test func goodConfigurationIsSaidToBeGoodAndNothingIsMade() async throws {
    let before = folder.files(below: ".")
    let result = try await delveWebhook("config", "check")
    #expect(result.exitCode == 0)
    #expect(result.output.hasPrefix("\(folder.path)/config.yaml: good\n"))
    for fact in [
      "instance acme: 1 key, for ES512",
      "11 settings for all, 8 of them by default: see config show",
      "spool: \(folder.path)/spool, as the user ",
    ] {
      #expect(result.output.contains("\n  \(fact)"), "\(result.output)")
    }
    #expect(folder.files(below: ".") == before)
  }

  @Test func everythingThatIsWrongIsSaidAtOnce() async throws {
    let text = """
      spool: nowhere
      instances:
        acme: {url: "https://a.example", keys: [missing.pem]}
        beta: {url: "https://b.example", keys: ["\(TestKey.p256.path)"]}
      """
    try folder.write(text.utf8, to: "config.yaml")
    let result = try await delveWebhook("config", "check")
    #expect(result.exitCode == 78)
    #expect(result.errorOutput.contains("wrong: \(folder.path)/missing.pem: No such file"))
    #expect(result.errorOutput.contains("make the folder, owned by the user"))
    #expect(result.errorOutput.hasSuffix("config.yaml: the responder would not start\n"))
    try folder.write("spool: [".utf8, to: "config.yaml")
    #expect(try await delveWebhook("config", "check").exitCode == 78)
  }

  @Test func everyWrongLineIsSaidInItsOrderAndTheKeysOfGoodInstances() async throws {
    let text = """
      instances:
        acme: {url: "http://a.example", keys: [bad.pem], algorithms: [ES512, none]}
        beta: {url: "https://b.example", keys: [missing.pem]}
      workers: 0
      wrokers: 1
      """
    try folder.write(text.utf8, to: "config.yaml")
    let result = try await delveWebhook("config", "check")
    #expect(result.exitCode == 78)
    let wrong = result.errorOutput.split(separator: "\n").filter { $0.hasPrefix("wrong: ") }
    let beginnings = [
      "config.yaml:1: spool is missing", "config.yaml:2: url: found", "config.yaml:2: algorithms",
      "config.yaml:4: workers: found", "config.yaml:5: wrokers: unknown key",
      "missing.pem: No such",
    ]
    #expect(wrong.count == beginnings.count, "\(result.errorOutput)")
    for (line, beginning) in zip(wrong, beginnings) {
      #expect(line.hasPrefix("wrong: \(folder.path)/\(beginning)"), "\(line)")
    }
  }

  @Test func whatLetsItStartAndRefuseIsWarnedOf() async throws {
    let text = """
      spool: spool
      minimum-free-bytes: \(Int.max)
      instances:
        acme: {url: "https://a.example", keys: ["\(TestKey.p256.path)"]}
      """
    try folder.write(text.utf8, to: "config.yaml")
    let result = try await delveWebhook("config", "check")
    #expect(result.exitCode == 0)
    #expect(result.errorOutput.contains("warning: instance acme: none of its keys serves"))
    #expect(result.errorOutput.contains("which is the minimum (minimum-free-bytes)"))
  }

  @Test func newerLayoutIsSaid() async throws {
    try folder.write("2\n".utf8, to: "spool/acme/format")
    let result = try await delveWebhook("config", "check")
    #expect(result.exitCode == 78)
    #expect(result.errorOutput.contains("use the version that wrote the spool"))
  }

  @Test(.enabled(if: getuid() == 0, "needs root, to give the spool to another user"))
  func answerForAnotherUserSaysForWhomItHolds() async throws {
    _ = try await command("chown", ["-R", "daemon", "\(folder.path)/spool"])
    let result = try await delveWebhook("config", "check")
    #expect(result.exitCode == 0)
    #expect(result.errorOutput.contains("this holds for the user root"))
    #expect(result.errorOutput.contains("runuser -u daemon -- delve-webhook config check"))
  }
}
