/// What a library or a server said, on one line and without what could move a terminal's cursor.
func oneLine(_ text: String) -> String {
  text.unicodeScalars
    .split { $0.properties.isWhitespace || $0.properties.generalCategory == .control }
    .map { String($0) }.joined(separator: " ")
}
