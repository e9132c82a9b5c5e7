internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import WebhookCore

/// Which events, by what their files' names and the records of their handling say.
struct EventFilter: ParsableArguments {
  @Option(
    help:
      "Only events that this hook takes: \(Hook.allCases.map(\.rawValue).joined(separator: ", ")).")
  var hook: Hook?

  @Option(help: "Only events of this kind, as in scan.")
  var kind: String?

  @Option(help: "Only events with this status, as in done.")
  var status: String?

  @Option(help: "Only events with this id of the sender's, as in 214.")
  var id: String?

  @Option(
    help: ArgumentHelp(
      "Only events that are at least this old, as in 90s, 30m, 12h or 7d.", valueName: "age"))
  var olderThan: Age?

  @Option(
    name: [.long, .customLong("newer-than")],
    help: ArgumentHelp(
      "Only events issued since then: an age, or a time in UTC, as in 2026-11-24 or 2026-11-24T17:14.",
      valueName: "time")
  )
  var since: Moment?

  @Option(
    help: ArgumentHelp(
      "Only events with this text in their file's name, or in why their handling failed.",
      valueName: "text"))
  var match: String?

  var isEmpty: Bool {
    hook == nil && kind == nil && status == nil && id == nil && olderThan == nil && since == nil
      && match == nil
  }

  /// By a name and its folder. A record is read only for `match`, if the name does not settle it.
  func test(in reader: SpoolReader, now: Int64) -> (UnsafeRawBufferPointer, SpoolPlace) -> Bool {
    if isEmpty { return { _, _ in true } }
    let kinds = [hook?.kind, kind].compactMap { $0.map { Array($0.utf8) } }
    let statuses = [hook?.status, status].compactMap { $0.map { Array($0.utf8) } }
    let wantedID = id.map(WantedClaimID.init)
    let earliest = since?.seconds(now: now)
    let latest = olderThan.map { Moment.ago($0).seconds(now: now) }
    let text = match.map { Array($0.utf8) }
    let isOfNames = EventFilter.isOfNames(self)
    var clock = IssueClock()
    return { name, place in
      if isOfNames {
        guard let parts = EventFileName.Parts(of: name),
          kinds.allSatisfy({ name[parts.kind].elementsEqual($0) }),
          statuses.allSatisfy({ name[parts.status].elementsEqual($0) }),
          wantedID.map({ $0.isMeant(by: name[parts.claimID]) }) ?? true
        else { return false }
        if earliest != nil || latest != nil {
          guard let issued = clock.seconds(of: name), issued >= earliest ?? .min,
            issued <= latest ?? .max
          else { return false }
        }
      }
      guard let text else { return true }
      return contains(name, text)
        || reader.record(of: name, in: place).map { record in
          Array(record.reason.utf8).withUnsafeBytes { contains($0, text) }
        } ?? false
    }
  }

  /// Whether a name has to be an event's.
  private static func isOfNames(_ filter: EventFilter) -> Bool {
    var filter = filter
    filter.match = nil
    return !filter.isEmpty
  }
}

/// An id as the sender has it, as file names have it, or as `spool list` cuts it.
struct WantedClaimID {
  /// How wide `spool list` shows one.
  static let width = 10

  private let text: [UInt8]
  private let ends: (head: [UInt8], tail: [UInt8])?

  init(_ id: String) {
    text = EventFileName.claimIDPart(Array(id.utf8))
    // Any other text with two dots is no cut one: a range of ids, perhaps, which nobody asked for.
    ends = id.utf8.count == Self.width ? endsOfCut(Array(id.utf8)) : nil
  }

  func isMeant(by part: Slice<UnsafeRawBufferPointer>) -> Bool {
    if part.elementsEqual(text) { return true }
    guard let ends, part.count > Self.width, ends.head.count == (Self.width - 2) / 2 else {
      return false
    }
    return part.starts(with: ends.head) && part.suffix(ends.tail.count).elementsEqual(ends.tail)
  }
}

extension AttemptRecord {
  /// Why it failed: how it ended, and all that was said.
  fileprivate var reason: String { "\(how ?? ""): \(output)" }
}

/// Whether `text` is somewhere in `bytes`.
private func contains(_ bytes: UnsafeRawBufferPointer, _ text: [UInt8]) -> Bool {
  guard let first = text.first, let start = bytes.baseAddress else { return text.isEmpty }
  guard bytes.count >= text.count else { return false }
  return (0...bytes.count - text.count).contains { index in
    bytes[index] == first && memcmp(start + index, text, text.count) == 0
  }
}
