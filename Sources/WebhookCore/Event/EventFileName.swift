/// The name of an event's file: a function of the event alone, and of a form that no payload can
/// break out of.
///
/// `<iat>-<kind>-<status>-<claim id>-<first 32 digits of the event's id>.json`
package struct EventFileName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  init(of claims: Claims, id: EventID) {
    let issuedAt = CalendarDate(secondsSince1970: claims.issuedAt.seconds).basic
    let kind = fileNamePart(claims.kind, maxBytes: 32)
    let status = fileNamePart(claims.status, maxBytes: 32)
    let claimID = fileNamePart(claims.id, maxBytes: 64)
    description = "\(issuedAt)-\(kind)-\(status)-\(claimID)-\(id.hex.prefix(32)).json"
  }
}

/// The first bytes of `text`, each outside `[A-Za-z0-9_]` replaced by `_`.
private func fileNamePart(_ text: [UInt8], maxBytes: Int) -> String {
  let bytes = text.prefix(maxBytes).map { byte -> UInt8 in
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: byte
    default: UInt8(ascii: "_")
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
