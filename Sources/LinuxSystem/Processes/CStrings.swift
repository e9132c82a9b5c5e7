internal import Glibc

// The system's texts are bytes without a NUL, which need not be UTF-8.

/// Calls `body` with the text as a C string, which is gone afterwards.
package func withCString<Result>(
  _ text: [UInt8], _ body: (UnsafePointer<CChar>) -> Result
) -> Result {
  (text + [0]).withUnsafeBytes { bytes in
    bytes.withMemoryRebound(to: CChar.self) { body($0.baseAddress.unsafelyUnwrapped) }
  }
}

/// Copies of the C strings up to a nil.
func copies(ofCStrings texts: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> [[UInt8]] {
  var copies: [[UInt8]] = []
  var next = texts
  while let text = next?.pointee {
    copies.append(Array(UnsafeRawBufferPointer(start: text, count: strlen(text))))
    next = next.map { $0 + 1 }
  }
  return copies
}

/// C strings, each to be freed; the last one is nil.
func allocatedCStrings(_ texts: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
  texts.map { withCString($0) { strdup($0) } } + [nil]
}
