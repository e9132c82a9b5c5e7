/// Whether `bytes` spell `lowercaseWord`, upper and lower case of the letters A to Z being equal.
/// No other letter is: a Cyrillic look-alike is another word.
func equalIgnoringASCIICase(_ bytes: some Sequence<UInt8>, _ lowercaseWord: String) -> Bool {
  bytes.lazy.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    .elementsEqual(lowercaseWord.utf8)
}

/// U+0000 to U+001F and U+007F.
func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }

/// The digit of 0 to 15; those from 10 on are letters, the first of which is `letters`.
func hexadecimalDigit(_ value: UInt8, letters: Unicode.Scalar) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: letters) + value - 10
}
