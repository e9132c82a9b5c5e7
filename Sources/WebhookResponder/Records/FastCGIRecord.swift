/// The header of a record (FastCGI specification §3.3).
struct RecordHeader {
  static let byteCount = 8

  /// §8: the types that a web server sends, and those that it is answered.
  enum Kind: UInt8 {
    case beginRequest = 1
    case abortRequest = 2
    case endRequest = 3
    case parameters = 4
    case standardInput = 5
    case standardOutput = 6
    case standardError = 7
    case data = 8
    case getValues = 9
    case getValuesResult = 10
    case unknownType = 11
  }

  let type: UInt8
  let requestID: UInt16
  let contentLength: Int
  let paddingLength: Int

  var kind: Kind? { Kind(rawValue: type) }

  /// Nil if it is of another version than 1.
  /// - Parameter bytes: eight of them.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount, bytes[0] == 1 else { return nil }
    type = bytes[1]
    requestID = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    contentLength = Int(bytes[4]) << 8 | Int(bytes[5])
    paddingLength = Int(bytes[6])
  }
}

/// The most that one record's content can have, in whole multiples of eight.
private let maximumContentLength = 65_528

/// Appends a stream's records: as many as the content needs.
func appendRecords(
  _ kind: RecordHeader.Kind, _ requestID: UInt16, _ content: [UInt8], to bytes: inout [UInt8]
) {
  var rest = content[...]
  repeat {
    let part = rest.prefix(maximumContentLength)
    rest = rest.dropFirst(part.count)
    bytes += [
      1, kind.rawValue, UInt8(requestID >> 8), UInt8(requestID & 0xFF),
      UInt8(part.count >> 8), UInt8(part.count & 0xFF), 0, 0,
    ]
    bytes += part
  } while !rest.isEmpty
}

/// How a request ended, for the web server (§5.5).
enum ProtocolStatus: UInt8 {
  case requestComplete = 0
  case cannotMultiplex = 1
  case unknownRole = 3
}

func endRequestRecord(_ requestID: UInt16, _ status: ProtocolStatus) -> [UInt8] {
  var bytes: [UInt8] = []
  appendRecords(.endRequest, requestID, [0, 0, 0, 0, status.rawValue, 0, 0, 0], to: &bytes)
  return bytes
}
