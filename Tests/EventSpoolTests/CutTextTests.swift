internal import EventSpool
internal import Testing

struct CutTextTests {
  private func cut(_ text: String, to width: Int) -> String {
    String(decoding: cutInTheMiddle(Array(text.utf8), to: width), as: UTF8.self)
  }

  @Test(arguments: [
    ("0123456789", 10, "0123456789"), ("0123456789a", 10, "0123..789a"),
    ("0123456789", 9, "0123..789"), ("", 9, ""), ("0123", 3, "0.."), ("0123", 0, ".."),
  ])
  func onlyWhatIsTooLongLosesItsMiddle(text: String, width: Int, result: String) {
    #expect(cut(text, to: width) == result)
  }

  @Test func endsAreFoundAgain() throws {
    let ends = try #require(endsOfCut(Array("0123..a.json".utf8)))
    #expect(ends.head == Array("0123".utf8) && ends.tail == Array("a.json".utf8))
    for text in ["", ".", "..", "a..", "..a", "a.b", "ab"] {
      #expect(endsOfCut(Array(text.utf8)) == nil, "\(text)")
    }
  }
}
