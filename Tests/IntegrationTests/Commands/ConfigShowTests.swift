internal import Glibc
internal import StrictJSON
internal import TestSupport
internal import Testing
internal import WebhookConfiguration

/// The built `delve-webhook config show`.
@Suite(.noHang)
struct ConfigShowTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("spool")
  }

  private func show(_ arguments: String..., file: String = "config.yaml") async throws
    -> CommandResult
  {
    try await command(
      Repository.executable("delve-webhook"), ["config", "show"] + arguments,
      environment: ["DELVE_WEBHOOK_CONFIG": "\(folder.path)/\(file)"])
  }

  private func settings(_ text: some StringProtocol) throws -> Settings {
    try Settings(parsing: Array(text.utf8), file: "\(folder.path)/config.yaml")
  }

  private static let odd = """
    spool: "sp\\u00e9 # \\\"o\\\\ol"
    workers: 4
    minimum-free-bytes: 0
    instances:
      no: {url: "https://b.example/", keys: ["~", "0x1", "- a", "a: b", "k\\te\\x7f\\U0001f600"]}
      acme:
        keys: /a.pem
        url: https://acme.delvesecurity.app
        algorithms: [ES512, EdDSA]
        x-signature: check
        audience: ["null", "on", "1", "", ]
    """

  @Test func shownTextIsTheSameConfigurationAndSaysWhereEachValueComesFrom() async throws {
    let text = Self.odd.replacing(", \"\", ]", with: ", x]")
    for text in [text, exampleConfiguration()] {
      try folder.write(text.utf8, to: "config.yaml")
      let shown = try await show()
      #expect(shown.exitCode == 0, "\(shown.errorOutput)")
      #expect(try settings(shown.output) == settings(text), "\(shown.output)")
      #expect(shown.output.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x0A })
      try folder.write(shown.output.utf8, to: "shown.yaml")
      let again = try await show(file: "shown.yaml")
      #expect(try settings(again.output) == settings(text))
      for line in shown.output.split(separator: "\n").dropFirst() {
        #expect(
          line.contains("  # default") || line.contains(#/ # line \d+$/#) || line.contains("  - ")
            || line.contains("# audience has no value"), "\(line)")
      }
    }
  }

  @Test func everyKeyIsShownInTheOrderOfTheTableWithItsLine() async throws {
    try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let shown = try await show().output
    let keys = shown.matches(of: /(?m)^ *(?:# )?([a-z-]+)(?::| has no value)/).map { String($0.1) }
      .filter { $0 != "acme" }
    let top = SettingKey.all(in: .top).filter { $0 != .instances } + [.instances]
    #expect(keys == (top + SettingKey.all(in: .instance)).map(\.rawValue))
    for line in [
      "# Lines of \(folder.path)/config.yaml", "spool: \(folder.path)/spool  # line 1",
      "minimum-free-bytes: 0  # line 2", "workers: 16  # default", "instances:  # line 5",
      "    algorithms:  # default",
    ] {
      #expect(shown.split(separator: "\n").contains { $0 == line }, "\(line) in \(shown)")
    }
  }

  @Test func jsonHasTheSame() async throws {
    try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let object = try #require(
      try JSONValue(parsing: Array(try await show("--json").output.utf8)).object)
    #expect(object["file"] == .string("\(folder.path)/config.yaml"))
    let spool = try #require(object["settings"]?.object?["spool"]?.object)
    #expect(spool["value"] == .string("\(folder.path)/spool") && spool["line"] == .number(1))
    let workers = try #require(object["settings"]?.object?["workers"]?.object)
    #expect(workers["value"] == .number(16) && workers["line"] == .null)
    let acme = try #require(object["instances"]?.array?.first?.object)
    #expect(acme["name"] == .string("acme"))
    #expect(acme["settings"]?.object?.members.count == SettingKey.all(in: .instance).count)
  }

  @Test func relativePathOfTheFileMeansTheFolderThatOneIsIn() async throws {
    try folder.write(exampleConfiguration().utf8, to: "config.yaml")
    let program = Repository.executable("delve-webhook")
    let shown = try await command(
      "sh",
      [
        "-c", "cd \"$1\" && exec \"$2\" config show --config config.yaml", "sh", folder.path,
        program,
      ])
    #expect(shown.output.contains("\nspool: \(folder.path)/spool  # line 1\n"))
  }

  @Test func wrongFileIsNotShown() async throws {
    try folder.write("spool: /s".utf8, to: "config.yaml")
    let result = try await show()
    #expect(result.exitCode == 78)
    #expect(result.output.isEmpty)
    #expect(result.errorOutput.contains("config.yaml:1: instances is missing"))
    #expect(try await show(file: "nowhere.yaml").exitCode == 78)
  }
}
