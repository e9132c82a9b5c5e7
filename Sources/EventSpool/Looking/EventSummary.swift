/// What an event's file name says: enough to list a spool without opening its files. Bytes that
/// cannot stand in a file name are `_` in it, and long values are cut.
package struct EventSummary: Equatable, Sendable {
  /// `iat`, as `YYYYMMDDThhmmssZ`.
  package let issuedAt: String
  package let kind: String
  package let status: String
  package let claimID: String
  /// The first 32 digits of the event's id.
  package let idPrefix: String

  package init?(fileName: String) {
    guard fileName.hasSuffix(".json") else { return nil }
    let parts = fileName.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 5, parts[4].utf8.count == 32 else { return nil }
    issuedAt = String(parts[0])
    kind = String(parts[1])
    status = String(parts[2])
    claimID = String(parts[3])
    idPrefix = String(parts[4])
  }
}
