/// HTML that is written piece by piece. Markup is only what stands in the program's source;
/// everything else is escaped.
struct HTMLText {
  private(set) var bytes: [UInt8] = []

  mutating func markup(_ markup: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: markup.utf8Start, count: markup.utf8CodeUnitCount))
  }

  /// In an element, or in an attribute between quotation marks.
  mutating func text(_ text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "<"): markup("&lt;")
      case UInt8(ascii: ">"): markup("&gt;")
      case UInt8(ascii: "&"): markup("&amp;")
      case UInt8(ascii: "\""): markup("&quot;")
      case UInt8(ascii: "'"): markup("&#39;")
      // No control byte is of use in a page, and a terminal may be what shows it.
      case ..<0x20, 0x7F: bytes.append(UInt8(ascii: "?"))
      default: bytes.append(byte)
      }
    }
  }
}

extension HTMLText {
  /// A sentence that is not of the first importance.
  mutating func note(_ sentence: String) {
    markup(#"<p class="quiet">"#)
    text(sentence)
    markup("</p>")
  }

  /// - Parameters:
  ///   - rows: a cell for each of the headings.
  ///   - isWide: where the screen is narrow, each cell is a row of its own, beside its heading.
  mutating func table(_ headings: [String], _ rows: [[String]], isWide: Bool = false) {
    markup(isWide ? #"<table class="wide"><thead><tr>"# : "<table><thead><tr>")
    for heading in headings {
      markup("<th>")
      text(heading)
      markup("</th>")
    }
    markup("</tr></thead><tbody>")
    for row in rows {
      markup("<tr>")
      for (heading, cell) in zip(headings, row) {
        markup(#"<td data-heading=""#)
        text(heading)
        markup(#"">"#)
        text(cell)
        markup("</td>")
      }
      markup("</tr>")
    }
    markup("</tbody></table>")
  }
}
