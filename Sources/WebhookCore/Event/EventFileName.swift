/// The name of an event's file: a function of the event alone, and of a form that no payload can
/// break out of.
///
/// `<iat>-<kind>-<status>-<claim id>-<first 32 digits of the event's id>.json`
package struct EventFileName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  init(of claims: Claims, id: EventID) {
    var name = Array(CalendarDate(secondsSince1970: claims.issuedAt.seconds).basic.utf8)
    for part in [claims.kind.prefix(32), claims.status.prefix(32), claims.id.prefix(64)] {
      name.append(UInt8(ascii: "-"))
      for byte in part { name.append(isPlain(byte) ? byte : UInt8(ascii: "_")) }
    }
    name.append(UInt8(ascii: "-"))
    name.append(contentsOf: id.hex.utf8.prefix(32))
    name.append(contentsOf: ".json".utf8)
    description = String(decoding: name, as: UTF8.self)
  }
}

/// `[A-Za-z0-9_]`.
private func isPlain(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
  default: false
  }
}
