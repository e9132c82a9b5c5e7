internal import TestSupport
internal import Testing

extension UnderLoad {
  /// Many runners work on one spool.
  struct ManyRunnersTests {
    @Test func eightRunnersHandleEachOfThousandsOnce() async throws {
      let site = try SpoolSite()
      try site.addEvents(3_000, issuedApart: 1)
      try site.addEvents(1_000, from: 10_000, instance: "beta")
      let script = "echo $DELVE_EVENT_ID >> \(site.path)/handled"
      let runners = try (0..<8).map { _ in
        try site.start("run", "--jobs", "2", "--", "sh", "-c", script)
      }
      let isDone = try await eventually {
        site.text("handled").split(separator: "\n").count >= 4_000
      }
      #expect(isDone, "\(site.files("spool/acme/new").count) are left")
      for runner in runners { #expect(try await runner.exitCode() == 0) }
      let handled = site.text("handled").split(separator: "\n")
      #expect(handled.count == 4_000)
      #expect(Set(handled).count == 4_000)
      #expect(site.files("spool/acme/done").count == 3_000)
      #expect(site.files("spool/beta/done").count == 1_000)
    }
  }
}
