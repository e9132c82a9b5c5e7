internal import Glibc
internal import WebhookCore

/// The parameters of a request that the program reads, out of all that the web server sent: one row
/// each.
enum RequestParameter: Int, CaseIterable {
  case method, contentLength, requestURI, remoteAddress, accept, instance, hook, authorization,
    xSignature

  /// Its name, and how much of a value is kept. A value is bounded before it is copied.
  fileprivate var facts: (name: StaticString, maxBytes: Int) {
    switch self {
    case .method: ("REQUEST_METHOD=", 32)
    case .contentLength: ("CONTENT_LENGTH=", 32)
    case .requestURI: ("REQUEST_URI=", 2_048)
    case .remoteAddress: ("REMOTE_ADDR=", 256)
    case .accept: ("HTTP_ACCEPT=", 1_024)
    case .instance: ("DELVE_INSTANCE=", 64)
    case .hook: ("DELVE_HOOK=", 64)
    // One byte more, so that a longer value is seen to be longer.
    case .authorization: ("HTTP_AUTHORIZATION=", DeliveryPolicy.largestMaxTokenBytes + 1)
    case .xSignature: ("HTTP_X_SIGNATURE=", DeliveryPolicy.largestMaxTokenBytes + 1)
    }
  }
}

/// The values that came with a request. Of a parameter that came more often than twice, two are
/// kept: more than one is an error in any case.
struct RequestParameters {
  private static let table = RequestParameter.allCases.map(\.facts)

  private var values = [[[UInt8]]](repeating: [], count: table.count)

  /// - Parameter entries: `NAME=VALUE`, C strings, up to a nil, as in environ(7).
  init(entries: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) {
    let table = Self.table
    var next = entries
    while let entry = next?.pointee {
      for index in table.indices where begins(entry, with: table[index].name) {
        guard values[index].count < 2 else { break }
        let value = entry + table[index].name.utf8CodeUnitCount
        let count = strnlen(value, table[index].maxBytes)
        values[index].append(Array(UnsafeRawBufferPointer(start: value, count: count)))
        break
      }
      next = next.map { $0 + 1 }
    }
  }

  /// Every value of the parameter, in order.
  subscript(parameter: RequestParameter) -> [[UInt8]] { values[parameter.rawValue] }

  /// Whether the answer goes without its body (RFC 3875 §4.3.3).
  var isHead: Bool { isMethod("HEAD") }

  var mayHaveBody: Bool { !isMethod("GET") && !isMethod("HEAD") }

  private func isMethod(_ name: String) -> Bool {
    self[.method].first.map { $0.elementsEqual(name.utf8) } ?? false
  }
}

/// - Parameter name: with the equals sign.
private func begins(_ entry: UnsafePointer<CChar>, with name: StaticString) -> Bool {
  strncmp(entry, name.utf8Start, name.utf8CodeUnitCount) == 0
}
