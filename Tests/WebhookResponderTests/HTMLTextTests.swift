internal import Testing
@testable internal import WebhookResponder

struct HTMLTextTests {
  private func escaped(_ text: String) -> String {
    var html = HTMLText()
    html.text(text)
    return String(decoding: html.bytes, as: UTF8.self)
  }

  @Test(
    arguments: [
      ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
      (#"" onload="x"#, "&quot; onload=&quot;x"), ("' x='", "&#39; x=&#39;"),
      ("&lt;", "&amp;lt;"), ("<!--", "&lt;!--"), ("]]>", "]]&gt;"), ("", ""),
      ("\u{1B}]0;x\u{7}\n\u{7F}", "?]0;x???"),
      ("\u{E9}\u{65E5}\u{1F600}", "\u{E9}\u{65E5}\u{1F600}"),
      // One character of Swift's, whose first part is markup.
      ("<\u{301}", "&lt;\u{301}"), ("&\u{200D}", "&amp;\u{200D}"),
    ])
  func textHasNoMarkup(text: String, expected: String) {
    #expect(Array(escaped(text).utf8) == Array(expected.utf8))
  }

  @Test func everyCharacterThatMarkupIsMadeOfIsEscaped() {
    let all = String(String.UnicodeScalarView((0...0x17F).compactMap(Unicode.Scalar.init)))
    #expect(!escaped(all).utf8.contains { #"<>"'"#.utf8.contains($0) })
    #expect(escaped(all).utf8.count { $0 == UInt8(ascii: "&") } == 5)
  }

  @Test func markupOfOurOwnStaysAsItIs() {
    var html = HTMLText()
    html.markup(#"<p class="a">"#)
    html.text("<")
    html.markup("</p>")
    #expect(String(decoding: html.bytes, as: UTF8.self) == #"<p class="a">&lt;</p>"#)
  }
}
