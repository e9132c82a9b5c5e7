internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore

/// An instance added to a configuration file: everything else stays byte for byte, or nothing is
/// written.
struct AddedInstanceTests {
  private let beta: AddedInstance

  init() throws {
    beta = AddedInstance(
      name: try #require(InstanceName("beta")), url: "https://beta.delvesecurity.app",
      keyFile: "keys/beta.json")
  }

  private func added(to text: String) throws -> String? {
    try beta.added(to: Array(text.utf8), file: "/etc/config.yaml", spool: "/spool").map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  private static let entry = [
    "  beta:", "    url: https://beta.delvesecurity.app", "    keys: [keys/beta.json]",
  ]

  @Test func entryStandsBehindTheOthers() throws {
    let text = "spool: /s\ninstances:\n  acme:\n    url: https://a.example\n    keys: [a.pem]\n"
    #expect(try added(to: text) == text + Self.entry.map { "\($0)\n" }.joined())
  }

  @Test(arguments: [
    // The list first, a comment behind its last line, a blank line, other settings after it.
    "instances:\n  acme:\n    url: https://a.example\n    keys: a.pem  # its key\n@\n# more\nspool: /s\n",
    // Settings that are commented out belong to the instance before, also behind a blank line.
    "spool: /s\ninstances:\n  acme:\n    url: https://a.example\n    keys: a.pem\n    #audience: x\n\n    # more\n@\n  # not hers\n# nor this\n",
    // Another indentation, also of what is in it.
    "spool: /s\ninstances:\n    acme:\n      url: https://a.example\n      keys:\n      - a.pem\n      - b.pem\n@workers: 4\n",
    "spool: /s\ninstances:\n acme:\n         url: https://a.example\n         keys: [a.pem,\n           b.pem]\n@",
    // An entry in braces, quotes, a document's marks.
    "---\nspool: '/s'\n\"instances\":\n  \"acme\": {url: 'https://a.example', keys: [\"a.pem\"]}\n@...\n",
    // Texts over several lines.
    "spool: /s\ninstances:\n  acme:\n    keys: a.pem\n    url: >-\n      https://a.example\n@\nworkers: 4\n",
    "spool: /s\ninstances:\n  acme:\n    keys: a.pem\n    url: \"https://\\\n      a.example\"\n@workers: 4\n",
    // Two instances; no line end at the end; Windows' line ends; a byte order mark.
    "spool: /s\ninstances:\n  acme:\n    url: https://a.example\n    keys: a.pem\n  zeta:\n    url: https://z.example\n    keys: z.pem\n@",
    "spool: /s\r\ninstances:\r\n  acme:\r\n    url: https://a.example\r\n    keys: a.pem\r\n@workers: 4\r\n",
    "\u{FEFF}spool: /s\ninstances:\n  acme:\n    url: https://a.example\n    keys: a.pem\n@",
    // Indented as a whole.
    "  spool: /s\n  instances:\n    acme:\n      url: https://a.example\n      keys: a.pem\n@",
  ])
  func nothingElseIsTouched(text: String) throws {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    let old = String(parts.joined())
    let new = try #require(try added(to: old))
    #expect(new.hasPrefix(parts[0]))
    #expect(new.hasSuffix(parts[1]))
    #expect(new.utf8.contains(13) == old.utf8.contains(13))
    let before = try Settings(parsing: Array(old.utf8), file: "/etc/config.yaml")
    let after = try Settings(parsing: Array(new.utf8), file: "/etc/config.yaml")
    #expect(Array(after.instances.dropLast()) == before.instances)
    #expect(after.instances.last?.keyFiles == ["/etc/keys/beta.json"])
    #expect(after.workers == before.workers)
  }

  @Test func lineWithoutAnEndGetsOne() throws {
    let text = "spool: /s\ninstances:\n  acme:\n    url: https://a.example\n    keys: [a.pem]"
    #expect(try added(to: text) == "\(text)\n" + Self.entry.map { "\($0)\n" }.joined())
  }

  /// What cannot be extended line by line.
  @Test(arguments: [
    "spool: /s\ninstances: {acme: {url: 'https://a.example', keys: a.pem}}\n",
    "{spool: /s, instances: {acme: {url: 'https://a.example', keys: a.pem}}}\n",
    #"{"spool": "/s", "instances": {"acme": {"url": "https://a.example", "keys": "a.pem"}}}"#,
    // The name is taken.
    "spool: /s\ninstances:\n  beta:\n    url: https://a.example\n    keys: a.pem\n",
  ])
  func styleThatCannotBeExtendedIsLeftAlone(text: String) throws {
    #expect(try added(to: text) == nil)
  }

  @Test(arguments: [
    "", "# nothing yet\n", "spool: /s\n", "workers: 4\nspool: /s\n# end", "workers: 4",
  ])
  func fileWithoutInstancesGetsThem(text: String) throws {
    let new = try #require(try added(to: text))
    #expect(text.split(separator: "\n").allSatisfy { new.contains($0) })
    let settings = try Settings(parsing: Array(new.utf8), file: "/etc/config.yaml")
    #expect(settings.instances.map(\.name) == [beta.name])
    #expect(settings.spool == (text.contains("spool") ? "/s" : "/spool"))
  }

  @Test(arguments: [
    ("spool: /s\ninstances:\n", 2), ("spool: /s\nnonsense: 1\n", 2), ("spool: [\n", 2),
    ("- a\n", 1), ("spool: /s\ninstances: {}\n", 2),
  ])
  func fileThatIsWrongIsRefusedWithItsLine(text: String, line: Int) {
    let error = #expect(throws: ConfigurationError.self) { try added(to: text) }
    #expect(error?.line == line)
  }

  @Test func newFileIsAConfiguration() throws {
    let settings = try Settings(
      parsing: beta.newConfiguration(spool: "/var/spool/delve-webhook"), file: "/etc/config.yaml")
    #expect(settings.spool == "/var/spool/delve-webhook")
    #expect(settings.instances.map(\.url) == [beta.url])
  }
}
