internal import CommandLineProgram
internal import TestSupport
internal import Testing

/// What delve-webhook-spool-run(1) says.
struct RunPageTests {
  @Test func everyResultInTheLogIsExplained() throws {
    let page = "\(Repository.root)/Sources/OperatorCommands/Run/delve-webhook-spool-run.mdoc"
    let lines = String(decoding: try fileBytes(page), as: UTF8.self).split(separator: "\n")
    let items = lines.drop { $0 != ".Sh DIAGNOSTICS" }.prefix { $0 != ".El" }
      .compactMap { $0.wholeMatch(of: /\.It Cm (.*)/)?.1 }.map(String.init)
    #expect(items == EventResult.allCases.map(\.rawValue).sorted())
  }
}
