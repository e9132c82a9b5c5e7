internal import ServiceProcess
internal import Testing
internal import WebhookCore

struct LogLineTests {
  private static let now = Timestamp(seconds: 1_790_000_000, milliseconds: 42)

  private func text(_ line: LogLine, at now: Timestamp? = now) -> String {
    String(decoding: line.bytes(at: now), as: UTF8.self)
  }

  // MARK: Its form

  @Test func messageComesBeforeTheFieldsInTheirOrder() {
    let line = LogLine(.notice, "stopping", ["z": .text("last"), "a": .number(-3)])
    #expect(text(line) == "2026-09-21T14:13:20.042Z notice stopping z=last a=-3\n")
  }

  @Test func lineWithoutAMessageBeginsWithItsFields() {
    #expect(
      text(LogLine(.info, "", ["result": .text("done")]))
        == "2026-09-21T14:13:20.042Z info result=done\n")
  }

  @Test func lineWithoutFieldsEndsWithItsMessage() {
    #expect(text(LogLine(.info, "ready")) == "2026-09-21T14:13:20.042Z info ready\n")
  }

  @Test func addedFieldComesLast() {
    var line = LogLine(.info, "ready", ["a": .number(1)])
    line.add("b", .number(Int64.max))
    #expect(text(line).hasSuffix(" ready a=1 b=9223372036854775807\n"))
  }

  @Test func fieldWithoutAValueIsLeftOut() {
    let line = LogLine(.info, "m", ["a": nil, "b": .number(2), "c": nil])
    #expect(text(line).hasSuffix(" m b=2\n"))
  }

  // MARK: Levels

  @Test(arguments: [
    (LogLine.Level.error, "error", "<3>"), (.warning, "warning", "<4>"),
    (.notice, "notice", "<5>"), (.info, "info", "<6>"),
  ])
  func levelIsAWordOrTheJournalsMark(level: LogLine.Level, word: String, mark: String) {
    let line = LogLine(level, "m", ["a": .number(1)])
    #expect(text(line) == "2026-09-21T14:13:20.042Z \(word) m a=1\n")
    #expect(text(line, at: nil) == "\(mark)m a=1\n")
  }

  // MARK: Values

  @Test(arguments: ["word", "it's", "a=b", "192.0.2.1", "<5>", "~!{}[]"])
  func plainWordStandsAsItIs(value: String) {
    #expect(text(LogLine(.info, "m", ["a": .text(value)]), at: nil) == "<6>m a=\(value)\n")
  }

  @Test(arguments: [
    ("", #""""#), ("two words", #""two words""#), (#"a"b"#, #""a\"b""#), (#"a\b"#, #""a\\b""#),
    ("a\nb", #""a\nb""#), ("a\u{1B}[2J", #""a\u{1B}[2J""#), ("\u{7F}", #""\u{7F}""#),
    ("é", #""\u{00E9}""#), ("\0", #""\0""#),
  ])
  func otherValueIsQuotedAndEscaped(value: String, quoted: String) {
    #expect(text(LogLine(.info, "m", ["a": .text(value)]), at: nil) == "<6>m a=\(quoted)\n")
  }
}
