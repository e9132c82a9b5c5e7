@testable internal import CommandLineProgram
internal import EventSpool
internal import Testing
internal import WebhookCore

struct ConsumerNumbersTests {
  private static let start = Timestamp(seconds: 1_790_000_000, milliseconds: 500)
  private static let now = Timestamp(seconds: 1_790_000_100)

  private func numbers(
    instance: String? = nil, waiting: ConsumerNumbers.Waiting = .none
  ) -> ConsumerNumbers {
    var numbers = ConsumerNumbers(.run, spool: "/s", instance: instance, start: Self.start)
    numbers.settled.handled = 1_204
    numbers.settled.putOff = 3
    numbers.settled.givenUp = [.exit: 1, .noevent: 2]
    numbers.waiting = waiting
    return numbers
  }

  private func samples(_ numbers: ConsumerNumbers) -> [String] {
    numbers.metrics(now: Self.now).split(separator: "\n").map(String.init)
      .filter { !$0.hasPrefix("#") }
  }

  @Test func everyNumberIsASample() {
    let labels = #"consumer="run",spool="/s""#
    #expect(
      samples(numbers(waiting: .since(1_790_000_058))) == [
        "delve_webhook_consumer_handled_total{\(labels)} 1204",
        "delve_webhook_consumer_put_off_total{\(labels)} 3",
      ]
        + ["exit 1", "signal 0", "timelimit 0", "lost 0", "noevent 2", "answer 0", "noanswer 0"]
        .map { $0.split(separator: " ") }.map { word in
          "delve_webhook_consumer_given_up_total{\(labels),reason=\"\(word[0])\"} \(word[1])"
        } + [
          "delve_webhook_consumer_oldest_age_seconds{\(labels)} 42",
          "delve_webhook_consumer_start_timestamp_seconds{\(labels)} 1790000000.5",
          "delve_webhook_consumer_report_timestamp_seconds{\(labels)} 1790000100.0",
        ])
  }

  @Test(
    arguments: [
      (.none, "0"), (.since(1_790_000_100), "0"), (.since(1_790_000_500), "0"),
      (.unknown, nil),
    ] as [(ConsumerNumbers.Waiting, String?)])
  func ageIsZeroIfNoneWaitsAndAbsentIfThatIsNotKnown(
    waiting: ConsumerNumbers.Waiting, value: String?
  ) {
    let ages = samples(numbers(waiting: waiting)).filter { $0.contains("oldest_age") }
    #expect(
      ages.map { $0.split(separator: " ").last.map(String.init) } == (value.map { [$0] } ?? []))
  }

  @Test func instanceIsNamedIfItIsTheOnlyOne() {
    #expect(
      samples(numbers(instance: "acme")).allSatisfy { $0.contains(#"spool="/s",instance="acme""#) })
  }

  @Test func sentenceSaysWhatWasDoneAndWhatWaits() {
    let done = "1204 handled, 3 put off, 3 given up since 2026-09-21T14:13:20Z"
    #expect(numbers().sentence(nil, now: Self.now) == "\(done); none waits")
    #expect(numbers(waiting: .unknown).sentence(nil, now: Self.now) == done)
    let waiting = numbers(waiting: .since(1_790_000_000 - 7_200))
    #expect(
      waiting.sentence("no answer", now: Self.now)
        == "Waiting: no answer; \(done); the oldest has waited 2 hours")
  }

  @Test func problemIsShortPrintableAndOver() {
    let problems = StandingProblems()
    #expect(problems.last == nil)
    problems.begin(.target, "a\u{1B}[31m\nb" + String(repeating: "é", count: 1_000))
    #expect(problems.last?.utf8.allSatisfy { (0x20...0x7E).contains($0) } == true)
    #expect(problems.last?.count == 200)
    problems.begin(.event(path: "/one"), "one")
    problems.begin(.event(path: "/two"), "two")
    problems.end(.event(path: "/one"))
    #expect(problems.last == "two")
    problems.end(.event(path: "/two"))
    problems.begin(.target, "again")
    #expect(problems.last == "again")
    problems.end(.target)
    #expect(problems.last == nil)
  }
}
