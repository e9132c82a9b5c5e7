@testable internal import EventForwarding
internal import EventSpool
internal import Testing

struct AnswerTests {
  private func answer(_ status: Int, retryAfterSeconds: Int64 = 0) -> Answer {
    Answer(status: status, retryAfterSeconds: retryAfterSeconds, text: "said")
  }

  @Test(arguments: [200, 201, 202, 204, 299])
  func successDelivers(status: Int) {
    #expect(answer(status).delivery == .delivered)
    #expect(answer(status).problem == nil)
  }

  @Test(arguments: [400, 409, 422, 451])
  func clientErrorOfTheContentRefusesTheEvent(status: Int) {
    #expect(
      answer(status, retryAfterSeconds: 7).delivery
        == .refused(.answer("\(status)"), text: "said"))
    #expect(answer(status).problem == nil)
  }

  @Test func sizeThatIsRefusedNamesTheLimitOfTheTarget() {
    #expect(
      answer(413).delivery
        == .refused(
          .answer("413"), text: "said",
          problem: "answer 413: it takes no request of this size, raise its limit"))
  }

  /// Of quotas, header fields, state, certificates.
  @Test(arguments: [402, 406, 417, 423, 424, 428, 431, 495, 499])
  func clientErrorOfAnythingElsePutsTheEventOff(status: Int) {
    #expect(
      answer(status).delivery == .putOff(.answer("\(status)"), text: "said", afterSeconds: 0))
  }

  /// A 5xx without a further meaning may be about this very event, and others are tried.
  @Test(arguments: [500, 501, 505, 599, 600])
  func serverErrorPutsTheEventOffUntilTheServerAllows(status: Int) {
    #expect(
      answer(status, retryAfterSeconds: 7).delivery
        == .putOff(.answer("\(status)"), text: "said", afterSeconds: 7))
    #expect(answer(status).problem == nil)
  }

  /// What may be the target's is never a refusal of the event. The same holds for an interim answer
  /// (101) that is the last one, and for no answer.
  @Test(arguments: [
    (301, "redirect"), (308, "redirect"), (399, "redirect"), (401, "credentials"),
    (403, "credentials"), (407, "credentials"), (404, "URL"), (405, "URL"), (410, "URL"),
    (411, "URL"), (415, "URL"), (421, "URL"), (426, "URL"), (408, "answer 408"),
    (425, "answer 425"), (429, "answer 429"), (502, "answer 502"), (503, "answer 503"),
    (504, "answer 504"), (0, "said"),
  ])
  func answerAboutTheTargetPutsTheEventOffAndSaysWhatIsWrong(status: Int, word: String) throws {
    let answer = answer(status, retryAfterSeconds: 7)
    let problem = try #require(answer.problem)
    #expect(problem.contains(word))
    #expect(
      answer.delivery
        == .putOff(
          status == 0 ? .noAnswer : .answer("\(status)"), text: "said", afterSeconds: 7,
          problem: problem))
  }
}
