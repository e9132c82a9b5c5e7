/// Two stand in place of the middle; no id has any.
private let dot = UInt8(ascii: ".")

/// `text` with two dots in place of its middle, if it is longer than `width`. `EventSearch` finds
/// an event by it.
package func cutInTheMiddle(_ text: [UInt8], to width: Int) -> [UInt8] {
  guard text.count > width else { return text }
  let kept = max(0, width - 2)
  return text.prefix(kept - kept / 2) + [dot, dot] + text.suffix(kept / 2)
}

/// What `cutInTheMiddle` has left; nil if `text` has no two dots between its ends.
package func endsOfCut(_ text: [UInt8]) -> (head: [UInt8], tail: [UInt8])? {
  guard
    let middle = text.indices.dropLast().first(where: { text[$0] == dot && text[$0 + 1] == dot }),
    middle > 0, middle + 2 < text.count
  else { return nil }
  return (Array(text[..<middle]), Array(text[(middle + 2)...]))
}
