/// The name-value pairs of a stream (FastCGI specification §3.4), in their order.
struct NameValuePairs {
  struct Pair {
    let name: ArraySlice<UInt8>
    let value: ArraySlice<UInt8>
  }

  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { offset == bytes.count }

  /// The next pair; nil at the end, or if the rest is not a pair: a length reaches beyond it, and
  /// `isAtEnd` is then false.
  mutating func next() -> Pair? {
    let start = offset
    guard let nameLength = nextLength(), let valueLength = nextLength(),
      nameLength <= bytes.count - offset, valueLength <= bytes.count - offset - nameLength
    else {
      offset = start
      return nil
    }
    let name = bytes[offset..<offset + nameLength]
    let value = bytes[offset + nameLength..<offset + nameLength + valueLength]
    offset += nameLength + valueLength
    return Pair(name: name, value: value)
  }

  /// One byte, or four with the highest bit set.
  private mutating func nextLength() -> Int? {
    guard offset < bytes.count else { return nil }
    guard bytes[offset] >= 0x80 else {
      defer { offset += 1 }
      return Int(bytes[offset])
    }
    guard bytes.count - offset >= 4 else { return nil }
    defer { offset += 4 }
    return Int(bytes[offset] & 0x7F) << 24 | Int(bytes[offset + 1]) << 16
      | Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
  }
}

/// Appends a pair, in the shortest form.
func appendPair(_ name: some Collection<UInt8>, _ value: String, to bytes: inout [UInt8]) {
  for count in [name.count, value.utf8.count] {
    if count < 0x80 {
      bytes.append(UInt8(count))
    } else {
      bytes += [24, 16, 8, 0].map { UInt8(count >> $0 & 0xFF) | ($0 == 24 ? 0x80 : 0) }
    }
  }
  bytes += name
  bytes += value.utf8
}
