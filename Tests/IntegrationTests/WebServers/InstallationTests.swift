internal import Glibc
internal import TestSupport
internal import Testing
internal import WebhookCore

extension UnderLoad {
  /// The documentation's own commands, and the units that they install.
  struct InstallationTests {
    @Test(
      .enabled(if: getuid() == 0, "needs root, for a scratch root of its own"),
      arguments: ["nginx", "proxy", "fcgid", "cgi"])
    func documentedCommandsLeadToAServingLocation(way: String) async throws {
      let result = try await inScratchRoot("run", way)
      #expect(result.exitCode == 0, "\(result.output)\(result.errorOutput)")
      #expect(result.output.hasSuffix("installed and served by \(way)\n"))
    }

    @Test(.enabled(if: getuid() == 0, "needs root, for a scratch root of its own"))
    func setupChangesAllOrNothing() async throws {
      let result = try await inScratchRoot("setup")
      #expect(result.exitCode == 0, "\(result.output)\(result.errorOutput)")
      #expect(result.output.hasSuffix("setup is as it shall be\n"))
    }

    private func inScratchRoot(_ script: String, _ arguments: String...) async throws
      -> CommandResult
    {
      let keys = "\(Repository.root)/Tests/Attacks/keys"
      let programs = Repository.executable("delve-webhook").dropLast("/delve-webhook".count)
      return try await command(
        "\(Repository.root)/Tests/Installation/\(script)",
        [String(programs), "\(keys)/p521.pem", "\(keys)/private/p521.pem"] + arguments)
    }

    @Test func packagesInTheDocumentationAreOfThisVersion() throws {
      for page in [
        "README.md", "apache/README.md", "Sources/delve-webhook/delve-webhook-operations.7",
      ] {
        let text = String(decoding: try fileBytes("\(Repository.root)/\(page)"), as: UTF8.self)
        let versions = text.matches(of: #/delve-webhook[a-z-]*[_-]([0-9][0-9.]*[0-9])[_-]/#).map(
          \.1)
        #expect(!versions.isEmpty && versions.allSatisfy { $0 == programVersion }, "\(page)")
      }
      let readme = String(decoding: try fileBytes("\(Repository.root)/README.md"), as: UTF8.self)
      #expect(readme.contains("written in Swift, version \(programVersion)."))
    }

    @Test func exposureOfTheServiceIsAsDocumented() async throws {
      let unit = "\(Repository.root)/Sources/delve-webhook-fcgi/delve-webhook.service"
      let report = try await command(
        "systemd-analyze", ["security", "--offline=true", "--no-pager", unit])
      let level = report.output.firstMatch(of: #/Overall exposure level for \S+: ([0-9.]+)/#)?.1
      let page = "\(Repository.root)/Sources/delve-webhook/delve-webhook-operations.7"
      let text = String(decoding: try fileBytes(page), as: UTF8.self)
      let said = text.firstMatch(of: #/exposure of ([0-9.]+) out of 10/#)?.1
      #expect(level != nil)
      #expect(level == said)
    }
  }
}
