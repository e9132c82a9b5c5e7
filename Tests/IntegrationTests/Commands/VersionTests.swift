internal import TestSupport
internal import Testing
internal import WebhookCore

/// What `--version` of each built program says.
struct VersionTests {
  @Test(arguments: [
    ("delve-webhook-fcgi", ["OpenSSL 3.", "libfcgi /", "libyaml 0."]),
    ("delve-webhook", ["OpenSSL 3.", "libyaml 0."]),
  ])
  func versionCommitLibrariesAndFormatAreNamed(program: String, libraries: [String]) async throws {
    try await expectVersion(of: program, libraries: libraries)
  }
}

/// - Parameter libraries: how the line of each begins.
func expectVersion(of program: String, libraries: [String]) async throws {
  let result = try await command(Repository.executable(program), ["--version"])
  #expect(result.exitCode == 0)
  let lines = result.output.split(separator: "\n").map(String.init)
  #expect(lines.first == "\(program) \(programVersion)")
  #expect(lines.last == "spool format 1")
  // Only the packages' build knows it.
  #expect(lines.dropFirst().first == "commit unknown")
  #expect(lines.count == libraries.count + 3)
  for library in libraries {
    #expect(lines.contains { $0.hasPrefix(library) }, "\(library) is not among \(lines)")
  }
}
