/// The name of an event's file: a function of the event alone, and of a form that no payload can
/// break out of.
///
/// `<iat>-<kind>-<status>-<claim id>-<first 32 digits of the event's id>.json`
///
/// It says enough to list a spool without opening its files. Bytes that cannot stand in a file name
/// are `_` in it, and long values are cut.
package struct EventFileName: Hashable, Sendable, CustomStringConvertible {
  package let description: String
  /// `iat`, as `YYYYMMDDThhmmssZ`.
  package let issuedAt: Substring
  package let kind: Substring
  package let status: Substring
  package let claimID: Substring
  /// The first 32 digits of the event's id.
  package let idPrefix: Substring

  /// Nil if `name` is not of this form.
  package init?(parsing name: String) {
    guard let parts = Self.parts(of: name.utf8)?.map(Substring.init) else { return nil }
    description = name
    (issuedAt, kind, status, claimID, idPrefix) = (parts[0], parts[1], parts[2], parts[3], parts[4])
  }

  /// The five parts of a name, in their order; nil if it is not of this form.
  @inlinable
  package static func parts<Name: BidirectionalCollection<UInt8>>(
    of name: Name
  ) -> [Name.SubSequence]? {
    guard name.suffix(5).elementsEqual(".json".utf8) else { return nil }
    let parts = name.dropLast(5).split(
      separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    return parts.count == 5 && parts[4].count == 32 ? parts : nil
  }

  /// The seconds since 1970 of `iat`; nil if that is not a time.
  package var issuedSeconds: Int64? { CalendarDate.seconds(atBasicTime: String(issuedAt)) }

  /// Whether a file of this name is taken for an event: other files may lie beside.
  @inlinable
  package static func marksEvent(_ name: some BidirectionalCollection<UInt8>) -> Bool {
    name.count > 5 && name.first != UInt8(ascii: ".") && name.suffix(5).elementsEqual(".json".utf8)
  }
}

/// The name of the event with these claims and this id.
func eventFileName(of claims: Claims, id: EventID) -> String {
  var name = Array(CalendarDate(secondsSince1970: claims.issuedAt.seconds).basic.utf8)
  for part in [claims.kind.prefix(32), claims.status.prefix(32), claims.id.prefix(64)] {
    name.append(UInt8(ascii: "-"))
    for byte in part { name.append(isPlain(byte) ? byte : UInt8(ascii: "_")) }
  }
  name.append(UInt8(ascii: "-"))
  name.append(contentsOf: id.hex.utf8.prefix(32))
  name.append(contentsOf: ".json".utf8)
  return String(decoding: name, as: UTF8.self)
}

/// `[A-Za-z0-9_]`.
private func isPlain(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
  default: false
  }
}
