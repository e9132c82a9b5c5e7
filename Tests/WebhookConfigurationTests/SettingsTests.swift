internal import TestSupport
internal import Testing
internal import WebhookConfiguration
internal import WebhookCore

struct SettingsTests {
  private static let minimal = """
    spool: /var/spool/delve-webhook
    instances:
      acme:
        url: https://acme.delvesecurity.app
        keys: [keys/acme.pem]
    """

  private func settings(_ text: String) throws(ConfigurationError) -> Settings {
    try Settings(parsing: Array(text.utf8), file: "/etc/dw/config.yaml")
  }

  private func error(_ text: String) -> String? {
    do throws(ConfigurationError) {
      _ = try settings(text)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func minimalFileHasTheDocumentedDefaults() throws {
    let settings = try settings(Self.minimal)
    #expect(settings.spool == "/var/spool/delve-webhook")
    #expect(settings.workers == 16)
    #expect(settings.minimumFreeBytes == 67_108_864)
    #expect(settings.keyReports == "/var/lib/delve-webhook-keys")
    #expect(settings.policy.freshness.maxAgeSeconds == 300)
    #expect(settings.policy.freshness.clockSkewSeconds == 60)
    #expect(settings.policy.body == .discard)
    #expect(settings.policy.maxBodyBytes == 65_536)
    #expect(settings.policy.maxTokenBytes == 8_192)
    let acme = settings.instances[0]
    #expect(acme.name.description == "acme")
    #expect(acme.keyFiles == ["/etc/dw/keys/acme.pem"])
    #expect(acme.algorithms == [.es512])
    #expect(acme.xSignature.policy == .require)
    #expect(acme.xSignature.keyLocations == [Array("/api/webhook.key".utf8)])
    #expect(acme.audience == [])
  }

  @Test func everySettingIsRead() throws {
    let settings = try settings(
      """
      # a comment
      spool: "spool"
      max-age-seconds: 604800
      clock-skew-seconds: 0
      body: match
      max-body-bytes: 0
      max-token-bytes: 65536
      workers: 256
      minimum-free-bytes: 0
      instances:
        a-1:
          url: https://a.example/path
          keys: /abs/a.pem
          key-location: [/a.key, /b.key]
          algorithms: [ES256, Ed25519]
          x-signature: ignore
          audience: [one, two]
        b: {url: "https://b.example", keys: [b1.pem, 'b2.pem']}
      """)
    #expect(settings.spool == "/etc/dw/spool")
    #expect(settings.policy.freshness.maxAgeSeconds == 604_800)
    #expect(settings.policy.body == .match)
    #expect(settings.workers == 256)
    #expect(settings.instances.map(\.name.description) == ["a-1", "b"])
    #expect(settings.instances[0].keyFiles == ["/abs/a.pem"])
    #expect(settings.instances[0].algorithms == [.es256, .ed25519])
    #expect(settings.instances[0].xSignature.policy == .ignore)
    #expect(settings.instances[0].audience == ["one", "two"])
    #expect(settings.instances[1].keyFiles == ["/etc/dw/b1.pem", "/etc/dw/b2.pem"])
  }

  @Test(arguments: [
    ("", "1: spool is missing"),
    ("spool: /s", "1: instances is missing"),
    ("spool: /s\ninstances: {}", "2: instances: at least one is needed"),
    (minimal + "\nspool: /other", "6: duplicate key spool (first defined on line 1)"),
    (minimal + "\nmax-age: 5", "6: max-age: unknown key; known here: spool, instances"),
    (
      minimal + "\nmax-age-seconds: 0",
      "6: max-age-seconds: found \"0\"; allowed: a whole number, 1 to 604800"
    ),
    (minimal + "\nmax-age-seconds: 604801", "1 to 604800"),
    (minimal + "\nworkers: 017", "6: workers: found \"017\""),
    (minimal + "\nworkers: 1_6", "6: workers: found"),
    (minimal + "\nworkers: 1:30", "found \"1:30\""),
    (minimal + "\nworkers: '16'", "6: workers: found"), (minimal + "\nworkers: +16", "6: workers"),
    (minimal + "\nworkers: 257", "allowed: a whole number, 1 to 256"),
    (minimal + "\nworkers: 99999999999999999999", "6: workers"),
    (minimal + "\nworkers: [1]", "found a list"),
    (minimal + "\nbody: Match", "allowed: discard, match"),
    (minimal + "\nmax-token-bytes: 255", "256 to 65536"),
    (minimal + "\nminimum-free-bytes: -1", "0 or more"),
    (minimal + "\n    algorithms: [none]", "found \"none\"; allowed: ES256, ES384"),
    (minimal + "\n    algorithms: HS512", "found \"HS512\""),
    (minimal + "\n    algorithms: []", "found a list of 0; allowed: 1 to 11"),
    (minimal + "\n    x-signature: off", "allowed: require, check, ignore"),
    (minimal + "\n    key-location: \"/a b\"", "6: key-location"),
    (minimal + "\n    key-location: \"/a,b\"", "6: key-location"),
    (minimal + "\n    key-location: \"/a'b\"", "6: key-location"),
    (
      minimal + "\n    max-age-seconds: 3", "6: max-age-seconds: unknown key; known here: url, keys"
    ),
    (minimal + "\n  Acme: {}", "6: instances: an instance's name must be"),
    (minimal + "\n  -a: {}", "6: instances: an instance's name"),
    (minimal + "\n  b: {keys: [k]}", "url is missing"),
    (minimal + "\n  b: {url: 'http://x', keys: [k]}", "allowed: https://HOST"),
    (minimal + "\n  b: {url: 'https://x?y', keys: [k]}", "without query"),
    (minimal + "\n  b: {url: 'https://', keys: [k]}", "https://HOST"),
    (minimal + "\n  b: {url: 'https://u:p@x', keys: [k]}", "https://HOST"),
    (minimal + "\n  b: {url: 'https://x', keys: []}", "allowed: 1 to 16"),
    (minimal + "\n  b: {url: 'https://x'}", "keys is missing"),
    (minimal + "\n  b: {url: 'https://x', keyz: [k]}", "keyz: unknown key; known here: url, keys"),
    ("spool: &a /s", "1: anchors and tags are not allowed"),
    ("spool: *a", "1: "), ("spool: !!str /s", "1: anchors and tags"),
    ("spool: /s\n---\nspool: /t", "a second document is not allowed"),
    ("? [a]\n: b", "1: a key must be a plain word"), ("spool: [", "not YAML"),
    ("spool: /s\ninstances:\n\tacme: {}", "3: not YAML: indent with spaces, not tabs"),
    ("- a", "1: the configuration must be a mapping"), ("just text", "must be a mapping"),
    (String(repeating: "[", count: 100_000), "1: nested too deeply"),
    ("spool:", "1: spool: found \"\"; allowed: a text that is not empty"),
    ("spool: \"\\0\"", "spool: found"), ("\u{1}", "not YAML"),
  ])
  func mistakeIsNamedWithFileLineAndRemedy(text: String, expected: String) {
    let message = error(text) ?? "accepted"
    #expect(message.contains(expected), "\(message)")
    #expect(message.hasPrefix("/etc/dw/config.yaml:"))
  }

  @Test(arguments: ["~", "null", "Null", "NULL"])
  func noValueIsNoText(text: String) {
    #expect(
      error(Self.minimal.replacing("/var/spool/delve-webhook", with: text))?.contains("quotes")
        == true)
    #expect(error(Self.minimal.replacing("[keys/acme.pem]", with: "[\(text)]")) != nil)
    #expect(error(Self.minimal.replacing("/var/spool/delve-webhook", with: "\"\(text)\"")) == nil)
  }

  @Test func numberInQuotesIsToldToLoseThem() {
    #expect(error("workers: \"4\"\n" + Self.minimal)?.contains("write it without quotes") == true)
  }

  @Test func lineOfWhatIsNoTextIsNamed() {
    let text = Array("spool: a\n# two\n# three \u{7F}".utf8) + [0xFF, 0x0A]
    var line: Int?
    do throws(ConfigurationError) {
      _ = try Settings(parsing: text, file: "config.yaml")
    } catch {
      line = error.line
    }
    #expect(line == 3)
  }

  @Test func slashAtTheEndOfAnURLMeansNothing() throws {
    let text = Self.minimal.replacing("delvesecurity.app", with: "delvesecurity.app/")
    #expect(try settings(text).instances[0].url == "https://acme.delvesecurity.app")
  }

  @Test func mistakeIsShownWithoutControlCharacters() {
    #expect(error(Self.minimal + "\nbody: \"\\e[2J\"")?.contains("\\u{1B}[2J") == true)
  }
}

struct ConfigurationTests {
  private func configuration(keys: String) throws -> (Configuration, TemporaryFolder) {
    let folder = try TemporaryFolder()
    let text = """
      spool: spool
      instances:
        acme:
          url: https://acme.delvesecurity.app
          keys: \(keys)
      """
    let path = try folder.write(text.utf8, to: "config.yaml")
    return (try Configuration(file: path), folder)
  }

  @Test func keysOfAllFilesAreLoaded() throws {
    let all = "\(Repository.root)/Tests/Attacks/keys/rotation.jwks.json"
    let (configuration, _) = try configuration(keys: "[\(TestKey.p256.path), \(all)]")
    #expect(configuration.instances[0].keys.count == 3)
    #expect(configuration.instances[0].usableAlgorithms == [.es512])
    #expect(configuration.warnings == [])
  }

  @Test func instanceHasABoundedNumberOfKeysAndSkippedOnesAreNamed() throws {
    let key =
      #"{"kty":"OKP","crv":"Ed25519","x":"#
      + #""11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
    let members = [#"{"kty":"OKP","crv":"X25519","x":"AA"}"#] + Array(repeating: key, count: 33)
    let folder = try TemporaryFolder()
    func set(_ count: Int) throws -> String {
      let text = #"{"keys":[\#(members.prefix(count + 1).joined(separator: ","))]}"#
      return try folder.write(text.utf8, to: "set-\(count).json")
    }
    let path = try set(32)
    let (loaded, _) = try configuration(keys: path)
    #expect(loaded.instances[0].keys.count == 32)
    #expect(loaded.warnings.contains { $0.hasPrefix("\(path): key 1 of the set is skipped: it ") })
    #expect {
      try configuration(keys: set(33))
    } throws: {
      "\($0)".contains("instance acme: 33 keys in its files; allowed: 1 to 32")
    }
  }

  @Test func keyThatServesNothingIsWarnedOf() throws {
    let (configuration, _) = try configuration(keys: TestKey.p256.path)
    #expect(configuration.warnings.count == 1)
    #expect(configuration.warnings[0].contains("instance acme: none of its keys serves"))
  }

  @Test func badKeyFileIsNamed() throws {
    let path = "\(Repository.root)/Tests/Attacks/bad-keys/private-pkcs8.pem"
    #expect {
      try configuration(keys: path)
    } throws: {
      "\($0)".hasPrefix("\(path): holds a private key: only the public key belongs here")
    }
  }

  @Test func missingFilesAreNamed() throws {
    #expect {
      try configuration(keys: "nowhere.pem")
    } throws: {
      "\($0)".hasSuffix(
        "nowhere.pem: No such file or directory; keys of the instance acme names it")
    }
    #expect(throws: ConfigurationError.self) { try Configuration(file: "/nonexistent/config.yaml") }
  }
}
