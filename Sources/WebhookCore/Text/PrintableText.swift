/// `text` fit to be shown on one line of a terminal or a log: everything outside printable ASCII,
/// quotation marks and backslashes are escaped as in a Swift literal.
package func printable(_ text: String) -> String {
  text.unicodeScalars.map { $0 == "'" ? "'" : $0.escaped(asASCII: true) }.joined()
}
