@testable internal import EventForwarding
internal import EventSpool
internal import Testing

struct AnswerTests {
  private func answer(_ status: Int, retryAfterSeconds: Int64 = 0) -> Answer {
    Answer(status: status, retryAfterSeconds: retryAfterSeconds, text: "said")
  }

  // MARK: The event

  @Test(arguments: [200, 201, 202, 204, 299])
  func successDelivers(status: Int) {
    #expect(Fate(answer(status).delivery) == .delivered)
  }

  @Test(arguments: [400, 404, 405, 409, 410, 413, 415, 422, 451, 499])
  func otherClientErrorRefusesTheEvent(status: Int) {
    #expect(
      Fate(answer(status, retryAfterSeconds: 7).delivery)
        == .refused(.answer("\(status)"), text: "said"))
  }

  @Test(arguments: [401, 403, 407, 408, 429, 500, 501, 502, 503, 504, 599, 600])
  func errorThatIsNotTheEventsPutsItOffUntilTheServerAllows(status: Int) {
    #expect(
      Fate(answer(status, retryAfterSeconds: 7).delivery)
        == .putOff(.answer("\(status)"), text: "said", afterSeconds: 7))
  }

  /// The same holds for an interim answer (101) that is the last one.
  @Test(arguments: [101, 300, 301, 302, 304, 307, 308, 399])
  func redirectPutsTheEventOff(status: Int) {
    #expect(
      Fate(answer(status, retryAfterSeconds: 7).delivery)
        == .putOff(.answer("\(status)"), text: "said", afterSeconds: 0))
  }

  @Test func missingAnswerPutsTheEventOff() {
    #expect(
      Fate(answer(0).delivery) == .putOff(.noAnswer, text: "said", afterSeconds: 0))
  }

  // MARK: The target

  @Test(arguments: [200, 204, 299, 400, 404, 408, 410, 422, 500, 501, 505])
  func answerAboutOneEventLetsOthersBeTried(status: Int) {
    #expect(answer(status).error == nil)
  }

  @Test(arguments: [429, 502, 503, 504])
  func serverThatTakesNoneIsLeftInPeaceForAsLongAsItAsks(status: Int) throws {
    let error = try #require(answer(status, retryAfterSeconds: 7).error)
    #expect(error.kind == .unavailable(afterSeconds: 7))
    #expect(error.message == "answer \(status)")
  }

  @Test(arguments: [
    (401, "credentials"), (403, "credentials"), (407, "credentials"), (301, "redirect"),
    (308, "redirect"), (0, "said"),
  ])
  func errorOfTheWholeTargetIsNamed(status: Int, word: String) throws {
    let error = try #require(answer(status, retryAfterSeconds: 7).error)
    #expect(error.kind == .unavailable(afterSeconds: 0))
    #expect(error.message.contains(word))
  }
}
