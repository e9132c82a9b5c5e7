@testable internal import OperatorCommands
internal import Testing

struct PluginResultTests {
  private func text(
    _ problems: [PluginResult.Problem], _ metrics: [PluginResult.Metric] = []
  ) -> [String] {
    PluginResult(problems: problems, summary: "3 waiting", metrics: metrics).text
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test func firstLineHasTheStateTheSummaryAndTheNumbers() {
    let metrics = [
      PluginResult.Metric(label: "new", value: 3),
      PluginResult.Metric(label: "oldest", value: 12, unit: "s", warning: "60", critical: "90"),
      PluginResult.Metric(label: "free", value: nil, unit: "B", critical: "10:"),
    ]
    #expect(text([], metrics) == ["OK - 3 waiting | new=3;;;0 oldest=12s;60;90;0 free=U;;10:;0"])
    #expect(text([]) == ["OK - 3 waiting"])
  }

  @Test func onlyProblemIsFollowedByItsRemedy() {
    #expect(
      text([.init(state: .warning, sentence: "It is.", remedy: "Mend it.")])
        == ["WARNING - It is", "Mend it"])
    #expect(text([.init(state: .unknown, sentence: "It is")]) == ["UNKNOWN - It is"])
  }

  @Test func worstOfSeveralProblemsIsFirst() {
    let problems: [PluginResult.Problem] = [
      .init(state: .warning, sentence: "w"), .init(state: .unknown, sentence: "u"),
      .init(state: .critical, sentence: "c", remedy: "r"), .init(state: .critical, sentence: "d"),
    ]
    #expect(
      text(problems)
        == [
          "CRITICAL - c (and 3 more)", "CRITICAL: c: r", "CRITICAL: d", "UNKNOWN: u", "WARNING: w",
        ])
    #expect(PluginResult(problems: problems, summary: "", metrics: []).state == .critical)
    #expect(PluginResult(problems: [], summary: "", metrics: []).state == .ok)
  }

  @Test func textsCanNeitherEndALineNorPassForNumbers() {
    let lines = text([
      .init(state: .warning, sentence: "a\r\nb | new=0;;;0 \u{1B}[2J é \"q\"", remedy: "c\n| d")
    ])
    #expect(
      lines == [
        #"WARNING - a\r\nb \u{7C} new=0;;;0 \u{1B}[2J \u{00E9} "q""#, #"c\n\u{7C} d"#,
      ])
  }

  @Test func manyAndLongProblemsAreCut() {
    let problem = PluginResult.Problem(
      state: .critical, sentence: String(repeating: "x", count: 10_000))
    let lines = text([PluginResult.Problem](repeating: problem, count: 1_000))
    #expect(lines.count == 22)
    #expect(lines.last == "and 980 more")
    #expect(lines.allSatisfy { $0.utf8.count < 350 })
  }
}
