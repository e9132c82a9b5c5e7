internal import Testing

struct ForwarderVersionTests {
  @Test func versionCommitLibrariesAndFormatAreNamed() async throws {
    try await expectVersion(
      of: "delve-webhook-forward", libraries: ["OpenSSL 3.", "libyaml 0.", "libpq 1", "libcurl/"])
  }
}
