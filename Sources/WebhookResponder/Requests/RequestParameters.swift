internal import Glibc
internal import WebhookCore

/// The parameters of a request that the program reads, out of all that the web server sent.
///
/// Each value is bounded before it is copied, and of a parameter that came more often than twice,
/// two are kept: more than one is an error in any case.
struct RequestParameters {
  private(set) var method: [[UInt8]] = []
  private(set) var contentLength: [[UInt8]] = []
  private(set) var requestURI: [[UInt8]] = []
  private(set) var remoteAddress: [[UInt8]] = []
  private(set) var instance: [[UInt8]] = []
  private(set) var hook: [[UInt8]] = []
  private(set) var authorization: [[UInt8]] = []
  private(set) var xSignature: [[UInt8]] = []

  /// Whether the answer goes without its body (RFC 3875 §4.3.3).
  var isHead: Bool { isMethod("HEAD") }

  var mayHaveBody: Bool { !isMethod("GET") && !isMethod("HEAD") }

  private func isMethod(_ name: String) -> Bool {
    method.first.map { $0.elementsEqual(name.utf8) } ?? false
  }

  /// One more than the largest `max-token-bytes`, so that a longer value is seen to be longer.
  private static let maximumHeaderBytes = 65_537

  /// - Parameter entries: `NAME=VALUE`, C strings, up to a nil, as in environ(7).
  init(entries: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) {
    var next = entries
    while let entry = next?.pointee {
      read(entry)
      next = next.map { $0 + 1 }
    }
  }

  private mutating func read(_ entry: UnsafePointer<CChar>) {
    let largest = Self.maximumHeaderBytes
    _ =
      take(entry, "REQUEST_METHOD=", maxBytes: 32, into: &method)
      || take(entry, "CONTENT_LENGTH=", maxBytes: 32, into: &contentLength)
      || take(entry, "REQUEST_URI=", maxBytes: 2_048, into: &requestURI)
      || take(entry, "REMOTE_ADDR=", maxBytes: 256, into: &remoteAddress)
      || take(entry, "DELVE_INSTANCE=", maxBytes: 64, into: &instance)
      || take(entry, "DELVE_HOOK=", maxBytes: 64, into: &hook)
      || take(entry, "HTTP_AUTHORIZATION=", maxBytes: largest, into: &authorization)
      || take(entry, "HTTP_X_SIGNATURE=", maxBytes: largest, into: &xSignature)
  }
}

/// - Returns: whether the entry begins with `name`, an equals sign included.
private func take(
  _ entry: UnsafePointer<CChar>, _ name: StaticString, maxBytes: Int, into values: inout [[UInt8]]
) -> Bool {
  guard strncmp(entry, name.utf8Start, name.utf8CodeUnitCount) == 0 else { return false }
  if values.count < 2 {
    let value = entry + name.utf8CodeUnitCount
    values.append(Array(UnsafeRawBufferPointer(start: value, count: strnlen(value, maxBytes))))
  }
  return true
}
