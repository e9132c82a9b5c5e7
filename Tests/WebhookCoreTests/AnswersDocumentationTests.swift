internal import TestSupport
internal import Testing
internal import WebhookCore

/// What delve-webhook(7) says of the answers.
struct AnswersDocumentationTests {
  @Test func everyCodeWordIsExplainedOnceWithItsStatus() throws {
    let page = "\(Repository.root)/Sources/delve-webhook/delve-webhook.7"
    let section = String(decoding: try fileBytes(page), as: UTF8.self).split(separator: "\n")
      .drop { $0 != ".Sh ANSWERS" }.prefix { $0 != ".Sh FAULTS BY SYMPTOM" }
    let explained = section.compactMap {
      $0.wholeMatch(of: /\.It Cm ([a-z0-9-]+) Pq (\d+)/).map { "\($0.1) \($0.2)" }
    }
    // Those that no refusal has.
    let others = ["stored 202", "duplicate 200", "healthy 200"]
    let reasons = Refusal.Reason.allCases.map { "\($0.codeWord) \($0.status.rawValue)" }
    #expect(explained == others + reasons)
  }
}
