internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

/// A process serves one request, which a web server passes in the environment and on standard
/// input.
@Suite(.noHang)
struct PlainCGITests {
  private struct Site: Sendable {
    let folder: TemporaryFolder

    init(_ configuration: String = exampleConfiguration()) throws {
      folder = try TemporaryFolder()
      try folder.makeFolder("spool")
      try folder.write(configuration.utf8, to: "config.yaml")
    }

    /// Of a good delivery.
    var environment: [String: String] {
      get throws {
        [
          "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST",
          "DELVE_WEBHOOK_CONFIG": "\(folder.path)/config.yaml",
          "HTTP_AUTHORIZATION": String(decoding: try nowAuthorization(), as: UTF8.self),
          "HTTP_X_SIGNATURE": "ES512 /api/webhook.key",
        ]
      }
    }

    func request(
      _ arguments: [String] = [], environment changed: [String: String], input: String = "{}"
    ) async throws -> CommandResult {
      try await command(
        Repository.executable("delve-webhook-fcgi"), arguments,
        environment: try environment.merging(changed) { $1 }, input: input)
    }

    var storedEvents: [String] { folder.files(below: "spool").filter { $0.contains("/new/") } }
  }

  @Test func commandLineIsNeverRead() async throws {
    let site = try Site()
    let token = String(decoding: try nowAuthorization(), as: UTF8.self)
    for arguments in [["--version"], ["--help"], ["--config", "/dev/null"], ["--nonsense"]] {
      let result = try await site.request(
        arguments, environment: ["CONTENT_LENGTH": "2", "HTTP_AUTHORIZATION": token])
      #expect(result.exitCode == 0)
      #expect(result.output.hasPrefix("Status: 20"), "\(result)")
    }
    #expect(site.storedEvents.count == 1)
  }

  /// No later step makes durable what the process knows.
  @Test func memoryOfAStoredEventIsSyncedBeforeTheEnd() async throws {
    let site = try Site()
    let trace = "\(site.folder.path)/trace"
    let result = try await command(
      "strace",
      ["-f", "-qq", "-y", "-e", "trace=fsync", "-o", trace]
        + [Repository.executable("delve-webhook-fcgi")],
      environment: try site.environment, input: "{}")
    #expect(result.output.hasPrefix("Status: 202 "), "\(result)")
    let calls = site.folder.text(of: "trace")
    let stored = try #require(calls.range(of: "/acme/new>) = 0", options: .backwards))
    let synced = String(calls[stored.upperBound...])
    #expect(synced.contains(/\/acme\/ids\/\d{8}T\d\d>\) = 0/), "\(synced)")
    #expect(synced.contains("/acme/ids>) = 0"), "\(synced)")
  }

  @Test(arguments: [
    ("2", "{}", "202"), ("", "{}", "202"), ("3", "{}", "400"), ("1", "{}", "202"),
    ("65537", "{}", "413"), ("x", "{}", "400"),
  ])
  func bodyIsHeldToItsLength(length: String, input: String, status: String) async throws {
    let result = try await Site().request(environment: ["CONTENT_LENGTH": length], input: input)
    #expect(result.output.hasPrefix("Status: \(status) "), "\(result)")
  }

  @Test func brokenConfigurationIsAnsweredAndLogged() async throws {
    let site = try Site("spool: spool\ninstancs: {}\n")
    let result = try await site.request(environment: [:])
    #expect(result.exitCode == 78)
    #expect(result.output.hasPrefix("Status: 500 "))
    #expect(result.output.contains(#""code":"misconfigured""#))
    #expect(
      result.errorOutput.contains("config.yaml:2: instancs: unknown key"), "\(result.errorOutput)")
  }

  @Test func missingSpoolIsAnsweredAsTheSpoolsFailure() async throws {
    let site = try Site()
    _ = try await command("rmdir", ["\(site.folder.path)/spool"])
    let result = try await site.request(environment: [:])
    #expect(result.exitCode == 78)
    #expect(result.output.hasPrefix("Status: 503 "))
    #expect(result.output.contains("Retry-After: 30"))
    #expect(result.output.contains(#""code":"spool-io""#))
  }

  /// Each request reads all that it needs, and no more.
  @Test func whatIsWrongWithOneInstanceDoesNotConcernAnother() async throws {
    let site = try Site(
      exampleConfiguration() + """

          beta:
            url: https://beta.delvesecurity.app
            keys: [beta.pem]
        """)
    try site.folder.write("rubbish".utf8, to: "beta.pem")
    try site.folder.write("x".utf8, to: "spool/beta")
    func status(_ parameters: [String: String]) async throws -> String {
      String(try await site.request(environment: parameters).output.prefix(11))
    }
    #expect(try await status(["DELVE_INSTANCE": "acme"]) == "Status: 202")
    #expect(try await status(["DELVE_INSTANCE": "beta"]) == "Status: 500")
    #expect(try await status(["DELVE_INSTANCE": "gamma"]) == "Status: 500")
    #expect(try await status([:]) == "Status: 500")
    let health = ["DELVE_HOOK": "health", "REQUEST_METHOD": "GET"]
    #expect(try await status(health) == "Status: 500")
    #expect(try await status(health.merging(["DELVE_INSTANCE": "acme"]) { $1 }) == "Status: 200")
    try site.folder.write(fileBytes(TestKey.p521.path), to: "beta.pem")
    #expect(try await status(["DELVE_INSTANCE": "beta"]) == "Status: 503")
  }

  @Test func processesThatComeAtOnceStoreATokenOnce() async throws {
    let site = try Site()
    let token = String(decoding: try nowAuthorization(), as: UTF8.self)
    // The first processes also set the spool up.
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<16 {
        group.addTask {
          try await site.request(environment: ["HTTP_AUTHORIZATION": token]).output
        }
      }
      return try await group.reduce(into: []) { $0.append(String($1.prefix(11))) }
    }
    #expect(answers.count { $0 == "Status: 202" } == 1)
    #expect(answers.count { $0 == "Status: 200" } == 15, "\(answers)")
    #expect(site.storedEvents.count == 1)
  }
}
