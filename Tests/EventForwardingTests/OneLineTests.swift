@testable internal import EventForwarding
internal import Testing

struct OneLineTests {
  @Test(arguments: [
    ("one line", "one line"), ("", ""), (" \n\t", ""), ("two\nlines\r\n", "two lines"),
    ("  many \t\t blanks ", "many blanks"), ("a\u{1B}[2Jb", "a [2Jb"), ("a\0b\u{7F}c", "a b c"),
    ("a\u{9B}2Jb", "a 2Jb"), ("a\u{2028}b\u{85}c", "a b c"),
    ("déjà vu \u{1F600}", "déjà vu \u{1F600}"),
    ("e\u{301}", "e\u{301}"),
  ])
  func textIsOnOneLineWithoutControlCharacters(text: String, line: String) {
    #expect(oneLine(text).utf8.elementsEqual(line.utf8))
  }
}
