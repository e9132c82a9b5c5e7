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
    let bytes = Array(name.utf8)
    guard let parts = Parts(of: bytes.span) else { return nil }
    func text(_ part: Range<Int>) -> Substring { Substring(decoding: bytes[part], as: UTF8.self) }
    description = name
    (issuedAt, kind, status) = (text(parts.issuedAt), text(parts.kind), text(parts.status))
    (claimID, idPrefix) = (text(parts.claimID), text(parts.idPrefix))
  }

  /// The seconds since 1970 of `iat`; nil if that is not a time.
  package var issuedSeconds: Int64? { CalendarDate.seconds(atBasicTime: String(issuedAt)) }

  /// Where the parts stand in a name's bytes, for looking through many names.
  package struct Parts {
    package let issuedAt, kind, status, claimID, idPrefix: Range<Int>

    /// Nil if `name` is not of this form.
    package init?(of name: Span<UInt8>) {
      guard isEventsName(name) else { return nil }
      let end = name.count - 5
      var hyphens = (0, 0, 0, 0)
      var count = 0
      for index in 0..<end where name[index] == UInt8(ascii: "-") {
        switch count {
        case 0: hyphens.0 = index
        case 1: hyphens.1 = index
        case 2: hyphens.2 = index
        case 3: hyphens.3 = index
        default: return nil
        }
        count += 1
      }
      guard count == 4, end - hyphens.3 == 33 else { return nil }
      issuedAt = 0..<hyphens.0
      kind = hyphens.0 + 1..<hyphens.1
      status = hyphens.1 + 1..<hyphens.2
      claimID = hyphens.2 + 1..<hyphens.3
      idPrefix = hyphens.3 + 1..<end
    }
  }
}

extension EventFileName {
  /// Whether the part of a name that is the sender's id is all of it, as it was.
  package static func isWhole(claimID part: some Collection<UInt8>) -> Bool {
    part.count < maximumClaimIDBytes && !part.contains(UInt8(ascii: "_"))
  }
}

private let maximumClaimIDBytes = 64

/// Whether a file of this name is taken for an event: other files may lie beside.
package func isEventsName(_ name: Span<UInt8>) -> Bool {
  let count = name.count
  return count > 5 && name[0] != UInt8(ascii: ".") && name[count - 5] == UInt8(ascii: ".")
    && name[count - 4] == UInt8(ascii: "j") && name[count - 3] == UInt8(ascii: "s")
    && name[count - 2] == UInt8(ascii: "o") && name[count - 1] == UInt8(ascii: "n")
}

/// The name of the event with these claims and this id.
func eventFileName(of claims: Claims, id: EventID) -> String {
  var name = Array(CalendarDate(secondsSince1970: claims.issuedAt.seconds).basic.utf8)
  for part in [
    plain(claims.kind.prefix(32)), plain(claims.status.prefix(32)),
    EventFileName.claimIDPart(claims.id),
  ] {
    name.append(UInt8(ascii: "-"))
    name.append(contentsOf: part)
  }
  name.append(UInt8(ascii: "-"))
  name.append(contentsOf: id.hex.utf8.prefix(32))
  name.append(contentsOf: ".json".utf8)
  return String(decoding: name, as: UTF8.self)
}

extension EventFileName {
  /// The sender's id as it stands in a name.
  package static func claimIDPart(_ id: [UInt8]) -> [UInt8] {
    plain(id.prefix(maximumClaimIDBytes))
  }
}

private func plain(_ part: ArraySlice<UInt8>) -> [UInt8] {
  part.map { isPlain($0) ? $0 : UInt8(ascii: "_") }
}

/// `[A-Za-z0-9_]`.
private func isPlain(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
  default: false
  }
}
