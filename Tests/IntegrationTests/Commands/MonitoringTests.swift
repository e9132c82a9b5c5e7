internal import Glibc
internal import TestSupport
internal import Testing

/// The examples for monitoring, read by the tools that they are for.
@Suite(.noHang)
struct MonitoringTests {
  @Test(.enabled(if: getuid() == 0, "needs root, for the user that logcheck runs as"))
  func examplesAreAsTheyShallBe() async throws {
    let programs = Repository.executable("delve-webhook").dropLast("/delve-webhook".count)
    let result = try await command(
      "\(Repository.root)/Tests/Monitoring/run", [String(programs)])
    #expect(result.exitCode == 0, "\(result.output)\(result.errorOutput)")
    #expect(result.output.hasSuffix("the examples for monitoring are as they shall be\n"))
  }
}
